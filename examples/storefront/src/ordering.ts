/** Placing an order, so that neither a lost answer nor a second click ever orders twice. */

import type { CombinedError } from "urql";

import { cart, empty, PlaceOrder, release, send } from "./cart";
import { client, isUncertain } from "./client";
import type { CreateOrderInput, PlaceOrderMutation, RefusalFragment } from "./gql/graphql";
import { pause, retryAfter } from "./patience";

export type Success = Extract<PlaceOrderMutation["createOrder"], { __typename: "CreateOrderSuccess" }>;

export type Outcome =
  | { kind: "placed"; success: Success }
  | { kind: "refused"; refusals: RefusalFragment[]; order: CreateOrderInput }
  | { kind: "unknown" }
  | { kind: "failed"; error: CombinedError };

/** Milliseconds to wait before each further attempt, unless the shop says when to come again. */
const PAUSES = [500, 1500, 4000];

/**
 * Send an order until there is an answer, each time with the same key. Before it is sent for the first time it is written
 * down, so that it can be sent again even when this page is gone.
 */
export async function place(order: CreateOrderInput): Promise<Outcome> {
  // An earlier attempt may have been carried out, and only the shop's own answer to this order tells.
  let isOpen = cart.get().sent !== null;
  send(order);
  for (const rest of [...PAUSES, null]) {
    const { data, error } = await client.mutation(PlaceOrder, { input: order }).toPromise();
    if (data) return settled(data.createOrder, order);
    const later = retryAfter(error?.response);
    if (error && !isUncertain(error) && (later === null || rest === null)) {
      if (isOpen) break;
      release();
      return { kind: "failed", error };
    }
    isOpen ||= !error || isUncertain(error);
    if (rest !== null) await (later === null ? new Promise((resolve) => setTimeout(resolve, rest)) : pause(later));
  }
  return { kind: "unknown" };
}

function settled(result: PlaceOrderMutation["createOrder"], order: CreateOrderInput): Outcome {
  if (result.__typename === "CreateOrderSuccess") {
    empty();
    return { kind: "placed", success: result };
  }
  release();
  return { kind: "refused", refusals: [result, ...result.otherErrors], order };
}
