/** The way to the shop: one GraphQL client, which signs requests and keeps the session alive. */

import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, Client, type CombinedError, fetchExchange } from "urql";

import { graphql } from "./gql";
import { patience } from "./patience";
import { enter, isStale, leave, refreshToken, session } from "./session";

const Refresh = graphql(`
  mutation Refresh($input: RefreshInput!) {
    refresh(input: $input) {
      __typename
      ... on SignIn { accessToken refreshToken expiresIn user { id fullName role } }
    }
  }
`);

export const hasCode = (error: CombinedError | undefined, ...codes: string[]) =>
  error?.graphQLErrors.some(({ extensions }) => codes.includes(String(extensions["code"]))) ?? false;

/** Whether nobody knows what became of a request: it may be sent again, under the same key. */
export const isUncertain = (error: CombinedError) =>
  Boolean(error.networkError) || hasCode(error, "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL_SERVER_ERROR");

const auth = authExchange(async (utils) => {
  async function refreshAuth() {
    const token = refreshToken();
    if (token === null) return leave();
    const exchange = () => utils.mutate(Refresh, { input: { refreshToken: token } });
    let { data, error } = await exchange();
    // The shop gives an answer again that was lost; without any the token may still be good for the next request.
    if (error && isUncertain(error)) ({ data, error } = await exchange());
    if (data?.refresh.__typename === "RefreshSuccess") enter(data.refresh);
    else if (data) leave();
  }

  // A page that was loaded anew has only the refresh token.
  if (isStale()) await refreshAuth();

  return {
    addAuthToOperation(operation) {
      const current = session.get();
      return current
        ? utils.appendHeaders(operation, { Authorization: `Bearer ${current.accessToken}` })
        : operation;
    },
    willAuthError: isStale,
    didAuthError: (error) => hasCode(error, "UNAUTHENTICATED") && refreshToken() !== null,
    refreshAuth,
  };
});

export const client = new Client({
  url: "/graphql",
  exchanges: [cacheExchange, auth, patience, fetchExchange],
  preferGetMethod: false,
  fetchOptions: { credentials: "omit" },
});
