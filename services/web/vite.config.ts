// How the page is built and tested. What comes out needs no inline script, style or data: URL, so that
// a Content-Security-Policy of default-src 'self' holds.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { bundleLimit } from "./dev/bundle-limit.mjs";

const INITIAL_LIMIT_BYTES = 80_000;
const BACKEND = process.env.VQM_WEB_BACKEND ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte(), bundleLimit(INITIAL_LIMIT_BYTES)],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/api": BACKEND,
      "/ws": { target: BACKEND, ws: true },
    },
  },
});
