// The settings page: its words, its requests, and the names of browsers.
import { describe, expect, it } from "vitest";
import { browserName } from "../src/lib/browser";
import { settingsWords } from "../src/lib/i18n/settings";
import { AccessApi } from "../src/lib/store/access";
import { Api, statusOf } from "../src/lib/store/api";

function answering(status: number, body: unknown) {
  const asked: { path: string; init: RequestInit }[] = [];
  const api = new Api((path, init) => {
    asked.push({ path, init });
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
  return { access: new AccessApi(api), asked };
}

describe("the words", () => {
  it("say everything in each language", () => {
    const paths = (entry: unknown): string[] =>
      typeof entry === "object" && entry !== null
        ? Object.entries(entry).flatMap(([key, value]) => paths(value).map((path) => `${key}.${path}`))
        : [typeof entry === "string" && entry.trim() === "" ? "is empty" : typeof entry];

    expect(paths(settingsWords.it)).toEqual(paths(settingsWords.en));
    expect(paths(settingsWords.it).filter((path) => path.endsWith("is empty"))).toEqual([]);
  });
});

describe("a request", () => {
  it("escapes a user name", async () => {
    const { access, asked } = answering(200, {});

    await access.changeUser("m.rossi@example.com", { disabled: true });

    expect(asked[0]?.path).toBe("/api/v1/users/m.rossi%40example.com");
    expect(asked[0]?.init).toMatchObject({ method: "PATCH", body: '{"disabled":true}' });
  });

  it("narrows the log down and goes on where the page before ended", async () => {
    const { access, asked } = answering(200, { items: [], next_cursor: null });

    await access.audit("", null);
    await access.audit("sign_in_failed", "17");

    expect(asked.map((each) => each.path)).toEqual([
      "/api/v1/audit?limit=50",
      "/api/v1/audit?limit=50&action=sign_in_failed&cursor=17",
    ]);
  });

  it("for a token answers with its secret alone", async () => {
    const { access, asked } = answering(201, { id: "1", name: "ci", token: "vqm_secret" });

    expect(await access.createToken("ci", ["read"], null)).toBe("vqm_secret");
    expect(asked[0]?.init.body).toBe('{"name":"ci","scopes":["read"],"expires_at":null}');
  });

  it("that fails is known by its status", async () => {
    const { access } = answering(409, { detail: "taken" });

    expect(statusOf(await access.deleteUser("admin").catch((error: unknown) => error))).toBe(409);
    expect(statusOf(new TypeError("no request at all"))).toBe(0);
  });
});

describe("a browser", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", "Edge, Windows"],
    ["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", "Chrome, Android"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "Safari, iOS"],
    ["curl/8.14.1", "curl/8.14.1"],
  ])("has a short name: %s", (userAgent, name) => {
    expect(browserName(userAgent)).toBe(name);
  });
});
