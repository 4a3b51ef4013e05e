/** Signing in, and becoming a customer. */

import { type FormEvent, useState } from "react";

import { client } from "../client";
import { graphql } from "../gql";
import type { LoginMutation, RegisterMutation } from "../gql/graphql";
import { never } from "../never";
import { explain, Notice } from "../parts/notice";
import { go, Link, Title, usePlace } from "../router";
import { enter } from "../session";

const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on SignIn { accessToken refreshToken expiresIn user { id fullName role } }
      ... on TooManyAttemptsError { retryAfter }
    }
  }
`);

const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on SignIn { accessToken refreshToken expiresIn user { id fullName role } }
      ... on TooManyAttemptsError { retryAfter }
      ... on ValidationError { issues { path message } }
    }
  }
`);

type Result = LoginMutation["login"] | RegisterMutation["register"];

export function SignInPage({ isNew = false }: { isNew?: boolean }) {
  const { path, parameters } = usePlace();
  const [problems, setProblems] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  // A page that asked for a sign-in shows this one in its place.
  const next = ["/sign-in", "/register"].includes(path) ? (parameters.get("next") ?? "/") : path;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [email, password, fullName] = ["email", "password", "fullName"].map((name) => String(form.get(name) ?? ""));
    setBusy(true);
    const { data, error } = isNew
      ? await client.mutation(Register, { input: { email: email!, password: password!, fullName: fullName! } }).toPromise()
      : await client.mutation(Login, { input: { email: email!, password: password! } }).toPromise();
    setBusy(false);
    const result: Result | undefined = data && ("register" in data ? data.register : data.login);
    setProblems(result ? settle(result) : [error ? explain(error) : ""]);
    if (result && "accessToken" in result && next !== path) go(next.startsWith("/") ? next : "/", { replace: true });
  }

  return (
    <div className="narrow">
      <Title text={isNew ? "Become a customer" : "Sign in"} />
      <form className="stack" onSubmit={(event) => void submit(event)}>
        {isNew && <label>Your name <input name="fullName" autoComplete="name" required maxLength={200} /></label>}
        <label>E-mail <input name="email" type="email" autoComplete="username" required maxLength={255} /></label>
        <label>Password <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required minLength={isNew ? 8 : 1} maxLength={256} aria-describedby={isNew ? "rule" : undefined} /></label>
        {isNew && <p id="rule" className="quiet">At least 8 characters.</p>}
        {problems.length > 0 && <Notice>{problems.map((problem) => <p key={problem}>{problem}</p>)}</Notice>}
        <button className="main" disabled={busy}>{isNew ? "Register" : "Sign in"}</button>
      </form>
      <p>
        {isNew
          ? <>You have an account? <Link to={`/sign-in?next=${encodeURIComponent(next)}`}>Sign in</Link></>
          : <>New here? <Link to={`/register?next=${encodeURIComponent(next)}`}>Become a customer</Link></>}
      </p>
    </div>
  );
}

/** Enter the session, or return what is wrong. */
function settle(result: Result): string[] {
  switch (result.__typename) {
    case "LoginSuccess":
    case "RegisterSuccess":
      enter(result);
      return [];
    case "InvalidCredentialsError":
      return ["E-mail and password do not belong together."];
    case "AlreadyExistsError":
      return ["There is an account with this address already."];
    case "TooManyAttemptsError":
      return [`That was tried too often. Try again in ${Math.ceil(result.retryAfter / 60)} minutes.`];
    case "ValidationError":
      return result.issues.map(({ message }) => message);
    default:
      return never(result);
  }
}
