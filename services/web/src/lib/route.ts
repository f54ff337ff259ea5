// The addresses of the pages: hash routes, so that any static server can serve them.

export type Route =
  | { readonly page: "live" }
  | { readonly page: "call"; readonly callId: string }
  | { readonly page: "devices" }
  | { readonly page: "accounts" }
  | { readonly page: "setup"; readonly account?: string; readonly authUser?: string }
  | { readonly page: "captures"; readonly captureId: string | null }
  | { readonly page: "settings" };

export const LIVE = "#/";
export const DEVICES = "#/devices";
export const ACCOUNTS = "#/accounts";
export const SETUP = "#/setup";
export const CAPTURES = "#/captures";
export const SETTINGS = "#/settings";

/** A Call-ID may hold any character, `/` and `@` among them. */
export function callRoute(callId: string): string {
  return `#/calls/${encodeURIComponent(callId)}`;
}

/** The set-up page for an account: the number that a device registers, and the name it signs in with. */
export function setupRoute(account: string, authUser: string): string {
  return `${SETUP}/${encodeURIComponent(account)}/${encodeURIComponent(authUser)}`;
}

/** The page of an address; one that means nothing leads home. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "");
  if (path === "devices" || path === "accounts" || path === "setup" || path === "settings") return { page: path };
  if (path === "captures") return { page: "captures", captureId: null };
  const capture = /^captures\/([0-9a-f]+)$/.exec(path);
  if (capture?.[1] !== undefined) return { page: "captures", captureId: capture[1] };
  try {
    if (path.startsWith("calls/")) return { page: "call", callId: decodeURIComponent(path.slice("calls/".length)) };
    if (path.startsWith("setup/")) {
      const [account = "", authUser = ""] = path.slice("setup/".length).split("/").map(decodeURIComponent);
      return { page: "setup", account, authUser };
    }
  } catch {
    return { page: "live" }; // a broken percent sequence, typed by hand
  }
  return { page: "live" };
}
