/** GraphiQL on the shop: its tabs, its plugins, and what the page and its address hand over. */

import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./style.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import { SharedOperation, ShareButton } from "./sharing";
import { readLink } from "./link";
import { tabs } from "./tabs";

const root = document.getElementById("graphiql")!;
const link = readLink(location.search);
const headers = root.dataset["headers"] ?? "";

createRoot(root).render(
  <GraphiQL
    fetcher={createGraphiQLFetcher({ url: "/graphql", subscriptionUrl: location.origin.replace(/^http/, "ws") + "/graphql" })}
    plugins={[HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]}
    defaultTabs={link ? [link, ...tabs] : tabs}
    initialHeaders={headers}
    defaultHeaders={headers}
    {...(link && { initialQuery: link.query, initialVariables: link.variables ?? "" })}
  >
    <GraphiQL.Logo>shop_graphql</GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, copy, merge }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <ShareButton />
        </>
      )}
    </GraphiQL.Toolbar>
    {link?.operationName && <SharedOperation name={link.operationName} />}
  </GraphiQL>,
);
