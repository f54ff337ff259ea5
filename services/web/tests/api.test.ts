// Requests and their failures.
import { describe, expect, it } from "vitest";
import { Api } from "../src/lib/store/api";

function answering(status: number, body: unknown) {
  const asked: { path: string; init: RequestInit }[] = [];
  const api = new Api((path, init) => {
    asked.push({ path, init });
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
  return { api, asked };
}

describe("a request", () => {
  it("escapes a Call-ID with slashes and signs", async () => {
    const { api, asked } = answering(200, { items: [] });

    await api.slices("a/b@c d");

    expect(asked[0]?.path).toBe("/api/v1/calls/a%2Fb%40c%20d/slices");
  });

  it("carries the query", async () => {
    const { api, asked } = answering(200, { items: [], next_cursor: null });

    await api.calls({ state: "ended", limit: 50, cursor: "a=b" });

    expect(asked[0]?.path).toBe("/api/v1/calls?state=ended&limit=50&cursor=a%3Db");
  });

  it("sends the password in the body", async () => {
    const { api, asked } = answering(200, { username: "admin", role: "admin" });

    const session = await api.signIn("admin", "secret");

    expect(asked[0]?.path).not.toContain("secret");
    expect(session.role).toBe("admin");
  });
});

describe("a failure", () => {
  it("has the status and the sentence of the problem", async () => {
    const { api } = answering(401, { title: "Unauthorized", detail: "wrong password" });

    await expect(api.session()).rejects.toMatchObject({ status: 401, message: "wrong password" });
  });

  it("is told from an answer that never came", async () => {
    const api = new Api(() => Promise.reject(new TypeError("failed to fetch")));

    await expect(api.session()).rejects.toMatchObject({ status: 0 });
  });

  it("of a request given up is left as it is", async () => {
    const leaving = new AbortController();
    leaving.abort();
    const api = new Api(() => Promise.reject(new DOMException("aborted", "AbortError")));

    await expect(api.call("a", leaving.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});
