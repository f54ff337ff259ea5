// The linter: the recommended sets, and no way to put markup made from data into the page.
import svelte from "eslint-plugin-svelte";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default defineConfig(
  { ignores: ["dist/", "node_modules/"] },
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      "no-console": "error",
      "svelte/no-at-html-tags": "error", // names and headers come from strangers
      "no-restricted-syntax": [
        "error",
        {
          selector: "SvelteAttribute[key.name='style']",
          message: "The Content-Security-Policy forbids style attributes; style: directives go through the CSSOM.",
        },
      ],
      "svelte/no-navigation-without-resolve": "off", // that is SvelteKit's router; this page has hash routes
    },
  },
  { files: ["dev/**"], rules: { "no-console": "off" } }, // a command-line tool
);
