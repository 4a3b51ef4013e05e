import { defineConfig } from "vite";

export default defineConfig({
  base: "/shop/",
  logLevel: "error",
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // `npx vite` beside `make demo`, while the pages are being worked on.
  server: { proxy: { "/graphql": "http://127.0.0.1:8000" } },
});
