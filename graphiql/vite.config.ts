import { defineConfig } from "vite";

export default defineConfig({
  base: "/graphiql/",
  // Libraries that were marked for servers are warned of by the dozen.
  logLevel: "error",
  worker: { format: "es" },
  build: {
    outDir: "../shop_graphql/static/graphiql",
    emptyOutDir: true,
    // Monaco is one large piece, and is loaded whole.
    chunkSizeWarningLimit: 5000,
    // The polyfill would be the page's only other script.
    modulePreload: { polyfill: false },
  },
});
