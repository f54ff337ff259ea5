// A step of the build: what a browser loads before the first page stays small, or the build fails. Pages beside the
// first are loaded when they are opened, and are not in it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);

/** The files that the page itself names (Vite adds what its first chunk imports), compressed. */
export function bundleLimit(limitBytes) {
  return {
    name: "bundle-limit",
    apply: "build",
    writeBundle({ dir }, bundle) {
      const size = (file) => gzipSync(readFileSync(join(dir, file))).length;
      const page = readFileSync(join(dir, "index.html"), "utf8");
      const files = Object.keys(bundle).filter((file) => /\.(js|css)$/.test(file));
      const sum = (some) => some.reduce((bytes, file) => bytes + size(file), 0);
      const initial = sum(files.filter((file) => page.includes(file)));
      console.log(`initial load ${kilobytes(initial)} kB, all pages ${kilobytes(sum(files))} kB (gzip)`);
      if (initial === 0) this.error("the page names no script: the limit would mean nothing");
      if (initial > limitBytes) this.error(`the initial load is above its limit of ${kilobytes(limitBytes)} kB`);
    },
  };
}
