/** What the generated types promise. This file is only compiled; `@ts-expect-error` fails where nothing is wrong. */

import { never } from "./never";
import type { LoginMutation } from "./gql/graphql";
import type { CategoryBy, CreateOrderInput, ProductCategoryInput, ProductSales, Query, UserBy } from "./gql/schema";

// One member of a @oneOf input, and neither none nor two.
export const byName: CategoryBy = { name: "Music" };
export const byEmail: UserBy = { email: "ada@example.com" };
// @ts-expect-error
export const byBoth: CategoryBy = { id: "cat_1", name: "Music" };
// @ts-expect-error
export const inBoth: ProductCategoryInput = { id: "cat_1", new: { name: "Music" } };

// Amounts, times and great numbers are text: no arithmetic by accident.
export const order: CreateOrderInput = { idempotencyKey: "1", items: [], expectedTotal: "19.99" };
// @ts-expect-error
export const inexact: CreateOrderInput = { idempotencyKey: "1", items: [], expectedTotal: 19.99 };
export const units = (sales: ProductSales): string => sales.unitsSold;
export const when = (query: Query): string | undefined => query.order?.createdAt;
// @ts-expect-error
export const anything = (query: Query): string => query.exportUserData;

// Every member of a result has its branch, or `never` does not compile.
export function signedInAs(result: LoginMutation["login"]): string {
  switch (result.__typename) {
    case "LoginSuccess":
      return result.user.fullName;
    case "InvalidCredentialsError":
    case "TooManyAttemptsError":
      return "";
    default:
      return never(result);
  }
}

export function forgetful(result: LoginMutation["login"]): string {
  switch (result.__typename) {
    case "LoginSuccess":
      return result.user.fullName;
    default:
      // @ts-expect-error
      return never(result);
  }
}
