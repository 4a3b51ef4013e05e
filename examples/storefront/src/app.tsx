/** The frame around every page, and which page is shown where. */

import { useState, type FormEvent } from "react";

import { cart, pieces } from "./cart";
import { client } from "./client";
import { graphql } from "./gql";
import { CartPage } from "./pages/cart";
import { CataloguePage } from "./pages/catalogue";
import { OrdersPage } from "./pages/orders";
import { ProductPage } from "./pages/product";
import { SignInPage } from "./pages/sign-in";
import { StaffPage } from "./pages/staff";
import { Notice } from "./parts/notice";
import { waiting } from "./patience";
import { go, Link, Title, usePlace } from "./router";
import { leave, refreshToken, session } from "./session";
import { useStore } from "./store";

export function App() {
  const { path } = usePlace();
  return (
    <>
      <a className="skip" href="#content">Skip to the content</a>
      <Header />
      <main id="content" tabIndex={-1}>
        <Waiting />
        <Page path={path} />
      </main>
      <footer>
        <p>A shop of sample data. Each page is one GraphQL request.</p>
      </footer>
    </>
  );
}

function Waiting() {
  const seconds = useStore(waiting);
  if (!seconds.length) return null;
  return (
    <div className="waiting">
      <Notice kind="wait">The shop is busy. This page tries again in {Math.ceil(Math.max(...seconds))} seconds.</Notice>
    </div>
  );
}

function Page({ path }: { path: string }) {
  const [, name = "", id] = path.split("/");
  switch (name) {
    case "":
      return <CataloguePage />;
    case "product":
      return <ProductPage key={id} id={decodeURIComponent(id ?? "")} />;
    case "cart":
      return <CartPage />;
    case "sign-in":
      return <SignInPage key="sign-in" />;
    case "register":
      return <SignInPage key="register" isNew />;
    case "orders":
      return <Guarded><OrdersPage /></Guarded>;
    case "staff":
      return <Guarded><StaffPage /></Guarded>;
    default:
      return <Title text="There is no such page" />;
  }
}

/** A page for those who are signed in, or whose session the first request continues. */
function Guarded({ children }: { children: React.ReactNode }) {
  const signedIn = useStore(session) !== null || refreshToken() !== null;
  return signedIn ? children : <SignInPage />;
}

function Header() {
  return (
    <header>
      <Link to="/" className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" /><path d="M10 13h12l-1.4 11H11.4z" /><path className="handle" d="M12.5 13a3.5 3.5 0 0 1 7 0" /></svg>
        Lantern &amp; Loom
      </Link>
      <Search />
      <nav aria-label="Your account">
        <Account />
        <CartLink />
      </nav>
    </header>
  );
}

function Search() {
  const { path, parameters } = usePlace();
  const words = path === "/" ? (parameters.get("q") ?? "") : "";
  return <SearchForm key={words} words={words} />;
}

function SearchForm({ words }: { words: string }) {
  const [text, setText] = useState(words);
  function search(event: FormEvent) {
    event.preventDefault();
    go(text.trim() ? `/?${new URLSearchParams({ q: text.trim() })}` : "/");
  }
  return (
    <form role="search" onSubmit={search}>
      <input type="search" aria-label="Search the shop" placeholder="Lamps, teapots …" maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
      <button>Search</button>
    </form>
  );
}

function CartLink() {
  const count = pieces(useStore(cart));
  return (
    <Link to="/cart" className="cart-link">
      Cart<span className="count" aria-label={`${count} in the cart`}>{count}</span>
    </Link>
  );
}

const Logout = graphql(`
  mutation Logout($input: LogoutInput!) { logout(input: $input) { __typename } }
`);

function Account() {
  const { path } = usePlace();
  const current = useStore(session);
  if (!current) return <Link to={`/sign-in?next=${encodeURIComponent(path)}`}>Sign in</Link>;

  async function signOut() {
    const token = refreshToken();
    leave();
    go("/");
    if (token) await client.mutation(Logout, { input: { refreshToken: token } }).toPromise();
  }

  return (
    <>
      {current.user.role !== "CUSTOMER" && <Link to="/staff">Staff</Link>}
      <Link to="/orders">My orders</Link>
      <button className="plain" onClick={signOut} title={`Signed in as ${current.user.fullName}`}>Sign out</button>
    </>
  );
}
