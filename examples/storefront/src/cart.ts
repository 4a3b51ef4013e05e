/** The cart. The browser keeps it, together with the order that was sent and not yet answered. */

import { graphql } from "./gql";
import type { CreateOrderInput } from "./gql/graphql";
import { stored } from "./store";

export interface Line {
  productId: string;
  name: string;
  quantity: number;
}

export interface Cart {
  lines: Line[];
  /** Sent, and perhaps placed: it is sent again as it was, with its key, until there is an answer. */
  sent: CreateOrderInput | null;
}

const EMPTY: Cart = { lines: [], sent: null };
/** More of one product, or more products, the shop does not take in one order. */
export const MOST_PIECES = 999;
export const MOST_LINES = 50;

export const cart = stored<Cart>("shop.cart", EMPTY);

export const pieces = ({ lines }: Cart) => lines.reduce((sum, line) => sum + line.quantity, 0);

/** Set how many of a product are wanted; none removes it. Nothing changes while an order is under way. */
export function want(product: { id: string; name: string }, quantity: number): boolean {
  const { lines, sent } = cart.get();
  if (sent) return false;
  const line = { productId: product.id, name: product.name, quantity: Math.min(quantity, MOST_PIECES) };
  const known = lines.some(({ productId }) => productId === product.id);
  if (!known && lines.length >= MOST_LINES) return false;
  const next = known ? lines.map((old) => (old.productId === product.id ? line : old)) : [...lines, line];
  cart.set({ lines: next.filter(({ quantity }) => quantity > 0), sent: null });
  return true;
}

export function add(product: { id: string; name: string }, quantity: number): boolean {
  const line = cart.get().lines.find(({ productId }) => productId === product.id);
  return want(product, (line?.quantity ?? 0) + quantity);
}

export const empty = () => cart.set(EMPTY);
export const send = (sent: CreateOrderInput) => cart.set({ ...cart.get(), sent });
/** The order was answered with a refusal: nothing was ordered, and the cart can be changed again. */
export const release = () => cart.set({ ...cart.get(), sent: null });

export const PlaceOrder = graphql(`
  mutation PlaceOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on CreateOrderSuccess {
        replayed
        order { id totalAmount items { id productName quantity lineTotal product { id stockQuantity } } }
      }
      ... on UserError {
        ...Refusal
        otherErrors { ...Refusal }
      }
    }
  }
  fragment Refusal on UserError {
    __typename
    code
    message
    ... on OutOfStockError { shortages { requested available product { id name } } }
    ... on PriceChangedError { expected actual }
    ... on NotFoundError { id }
    ... on ValidationError { issues { path message } }
  }
`);
