/** What a newcomer finds: a query in each tab, every one of which the shop answers. */

import catalogue from "./tabs/catalogue.graphql?raw";
import placeOrder from "./tabs/place-order.graphql?raw";
import placeOrderVariables from "./tabs/place-order.json?raw";
import salesReport from "./tabs/sales-report.graphql?raw";
import search from "./tabs/search.graphql?raw";
import searchVariables from "./tabs/search.json?raw";
import signIn from "./tabs/sign-in.graphql?raw";
import signInVariables from "./tabs/sign-in.json?raw";

export const tabs = [
  { query: catalogue },
  { query: search, variables: searchVariables },
  { query: signIn, variables: signInVariables },
  { query: placeOrder, variables: placeOrderVariables },
  { query: salesReport },
];
