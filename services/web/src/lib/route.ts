// The addresses of the pages: hash routes, so that any static server can serve them.

export type Route =
  | { readonly page: "live" }
  | { readonly page: "call"; readonly callId: string }
  | { readonly page: "devices" }
  | { readonly page: "setup" }
  | { readonly page: "captures"; readonly captureId: string | null }
  | { readonly page: "settings" };

export const LIVE = "#/";
export const DEVICES = "#/devices";
export const SETUP = "#/setup";
export const CAPTURES = "#/captures";
export const SETTINGS = "#/settings";

/** A Call-ID may hold any character, `/` and `@` among them. */
export function callRoute(callId: string): string {
  return `#/calls/${encodeURIComponent(callId)}`;
}

/** The page of an address; one that means nothing leads home. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "");
  if (path === "devices" || path === "setup" || path === "settings") return { page: path };
  if (path === "captures") return { page: "captures", captureId: null };
  const capture = /^captures\/([0-9a-f]+)$/.exec(path);
  if (capture?.[1] !== undefined) return { page: "captures", captureId: capture[1] };
  if (path.startsWith("calls/")) {
    try {
      return { page: "call", callId: decodeURIComponent(path.slice("calls/".length)) };
    } catch {
      return { page: "live" }; // a broken percent sequence, typed by hand
    }
  }
  return { page: "live" };
}
