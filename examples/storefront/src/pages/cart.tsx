/** The cart, at today's prices, and the way from it to an order. */

import { type ChangeEvent, useRef, useState } from "react";
import { useQuery } from "urql";

import { cart, type Line, MOST_PIECES, release, want } from "../cart";
import { graphql } from "../gql";
import type { CartQuery, CreateOrderInput, RefusalFragment } from "../gql/graphql";
import { amount, cents, price } from "../money";
import { never } from "../never";
import { type Outcome, place, type Success } from "../ordering";
import { Art } from "../parts/art";
import { explain, Failure, Notice } from "../parts/notice";
import { Stock } from "../parts/product-card";
import { Link, Title } from "../router";
import { refreshToken, session } from "../session";
import { useStore } from "../store";

const Cart = graphql(`
  query Cart($ids: [ID!]!) {
    products(first: 50, where: { ids: $ids }) { nodes { ...Card } }
  }
`);

type Product = CartQuery["products"]["nodes"][number];

export function CartPage() {
  const { lines, sent } = useStore(cart);
  const signedIn = useStore(session) !== null || refreshToken() !== null;
  const ids = lines.map((line) => line.productId).sort();
  const [{ data, error, fetching }, again] = useQuery({
    query: Cart,
    variables: { ids },
    pause: ids.length === 0,
    requestPolicy: "cache-and-network",
  });
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [busy, setBusy] = useState(false);
  const answer = useRef<HTMLDivElement>(null);

  const products = new Map(data?.products.nodes.map((product) => [product.id, product]));
  const gone = data && !fetching ? lines.filter((line) => !products.has(line.productId)) : [];
  const total = lines.reduce((sum, line) => sum + cents(products.get(line.productId)?.price ?? "0") * line.quantity, 0);

  async function order(input: CreateOrderInput) {
    setBusy(true);
    setOutcome(null);
    const result = await place(input);
    setBusy(false);
    setOutcome(result);
    if (result.kind === "refused") again({ requestPolicy: "network-only" });
    setTimeout(() => answer.current?.focus());
  }

  const fresh = (expectedTotal: string): CreateOrderInput => ({
    idempotencyKey: crypto.randomUUID(),
    items: lines.map(({ productId, quantity }) => ({ productId, quantity })),
    expectedTotal,
  });

  if (outcome?.kind === "placed") return <Thanks success={outcome.success} />;
  if (lines.length === 0 && !sent) return <><Title text="Your cart is empty" /><p><Link to="/">Look around in the shop</Link></p></>;

  return (
    <>
      <Title text="Your cart" />
      {error && !data && <Failure error={error} retry={() => again({ requestPolicy: "network-only" })} />}
      <div ref={answer} tabIndex={-1}>
        {busy && <Notice kind="wait"><p>Your order is on its way …</p></Notice>}
        {!busy && outcome && <Answer outcome={outcome} accept={(expected) => void order(fresh(expected))} />}
        {!busy && sent && (
          <Notice kind="wait">
            <h2>Your order was sent, and no answer came</h2>
            <p>It may have been placed or not. Send it again: it is placed once, however often you do. Look into your orders before you change anything.</p>
            <div className="row">
              {signedIn
                ? <button className="main" onClick={() => void order(sent)}>Send it again</button>
                : <Link className="button main" to="/sign-in?next=/cart">Sign in to send it again</Link>}
              <button className="plain" onClick={() => { release(); setOutcome(null); }}>Change the cart instead</button>
              <Link to="/orders">Look into my orders</Link>
            </div>
          </Notice>
        )}
      </div>

      <div className="cart">
        <ul className="lines panel">
          {lines.map((line) => (
            <CartLine key={line.productId} line={line} product={products.get(line.productId)} isGone={gone.includes(line)} isLocked={Boolean(sent)} />
          ))}
        </ul>
        <section className="panel stack" aria-label="What it comes to">
          <p className="row total"><span>Total</span> <strong>{data ? price(amount(total)) : "…"}</strong></p>
          {!sent && !busy && (
            signedIn
              ? <button className="main big" disabled={!data || gone.length > 0} onClick={() => void order(fresh(amount(total)))}>Order for {price(amount(total))}</button>
              : <Link className="button main big" to="/sign-in?next=/cart">Sign in to order</Link>
          )}
          <p className="quiet">Nothing is ordered at another price than this.</p>
        </section>
      </div>
    </>
  );
}

function CartLine({ line, product, isGone, isLocked }: { line: Line; product: Product | undefined; isGone: boolean; isLocked: boolean }) {
  const name = product?.name ?? line.name;
  const short = product && line.quantity > product.stockQuantity;
  return (
    <li className="line">
      <Art id={line.productId} category={product?.category.name ?? ""} />
      <div>
        <h2><Link to={`/product/${line.productId}`}>{name}</Link></h2>
        {product && <p className="row">{price(product.price)} each <Stock quantity={product.stockQuantity} /></p>}
        {isGone && <p className="bad-text">This is no longer sold.</p>}
        {short && <p className="bad-text">{product.stockQuantity ? `There are only ${product.stockQuantity}.` : "This has sold out."}{" "}
          {!isLocked && <button className="plain" onClick={() => want({ id: line.productId, name }, product.stockQuantity)}>
            {product.stockQuantity ? `Take ${product.stockQuantity}` : "Take it out"}
          </button>}
        </p>}
      </div>
      <label>
        <span className="unseen">Quantity of {name}</span>
        <Quantity value={line.quantity} disabled={isLocked || isGone} change={(quantity) => want({ id: line.productId, name }, quantity)} />
      </label>
      <strong className="sum">{product && price(amount(cents(product.price) * line.quantity))}</strong>
      <button className="plain" disabled={isLocked} aria-label={`Remove ${name}`} onClick={() => want({ id: line.productId, name }, 0)}>Remove</button>
    </li>
  );
}

/** A field that may be empty for a moment; what is no quantity is forgotten when the field is left. */
function Quantity({ value, disabled, change }: { value: number; disabled: boolean; change: (quantity: number) => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  function type(event: ChangeEvent<HTMLInputElement>) {
    setDraft(event.target.value);
    if (event.target.validity.valid) change(event.target.valueAsNumber);
  }
  return <input type="number" required min={1} max={MOST_PIECES} disabled={disabled} value={draft ?? value} onChange={type} onBlur={() => setDraft(null)} />;
}

function Answer({ outcome, accept }: { outcome: Outcome; accept: (total: string) => void }) {
  switch (outcome.kind) {
    case "placed":
    case "unknown":
      return null;
    case "failed":
      return <Notice><p>{explain(outcome.error)} Nothing was ordered.</p></Notice>;
    case "refused":
      return (
        <Notice>
          <h2>Nothing was ordered yet</h2>
          {outcome.refusals.map((refusal, index) => <Refusal key={index} refusal={refusal} order={outcome.order} accept={accept} />)}
        </Notice>
      );
    default:
      return never(outcome);
  }
}

function Refusal({ refusal, order, accept }: { refusal: RefusalFragment; order: CreateOrderInput; accept: (total: string) => void }) {
  const { lines } = useStore(cart);
  const named = (id: string | number | undefined) => lines.find(({ productId }) => productId === id)?.name ?? "Something in your cart";
  switch (refusal.__typename) {
    case "OutOfStockError":
      return (
        <ul>
          {refusal.shortages.map(({ product, requested, available }, index) => (
            <li key={index}>
              <strong>{product?.name ?? "A product"}</strong>: you would like {requested}, and {available === 0 ? "it has just sold out" : `only ${available} are left`}.
              {product && <> <button onClick={() => want(product, available)}>{available ? `Take ${available}` : "Take it out"}</button></>}
            </li>
          ))}
        </ul>
      );
    case "PriceChangedError":
      return (
        <p>
          Prices have changed: instead of {price(refusal.expected)} this costs <strong>{price(refusal.actual)}</strong>.{" "}
          <button onClick={() => accept(refusal.actual)}>Order for {price(refusal.actual)}</button>
        </p>
      );
    case "NotFoundError":
      return <p><strong>{named(refusal.id)}</strong> is no longer sold. Take it out, and order the rest.</p>;
    case "ValidationError":
      return (
        <ul>
          {refusal.issues.map(({ path: [, list, index], message }) => (
            <li key={index}>{list === "items" && index && <><strong>{named(order.items[Number(index)]?.productId)}</strong>: </>}{message}</li>
          ))}
        </ul>
      );
    default:
      return <p>{refusal.message}</p>;
  }
}

function Thanks({ success }: { success: Success }) {
  const { order } = success;
  return (
    <>
      <Title text="Thank you!" />
      <Notice kind="good"><p>Your order <strong>{order.id}</strong> of {price(order.totalAmount)} is placed.</p></Notice>
      <ul>{order.items.map((item) => <li key={item.id}>{item.quantity} × {item.productName}, {price(item.lineTotal)}</li>)}</ul>
      <p className="row"><Link className="button main" to="/orders">My orders</Link> <Link to="/">Back to the shop</Link></p>
    </>
  );
}
