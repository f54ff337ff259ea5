// The accounts page: its words, its requests, and the addresses that lead from it.
import { describe, expect, it } from "vitest";
import { accountWords } from "../src/lib/i18n/accounts";
import { parseRoute, setupRoute } from "../src/lib/route";
import { AccountsApi, listOf, TableRefused, tableOf } from "../src/lib/store/accounts";
import { Api, ApiError } from "../src/lib/store/api";

function answering(status: number, body: unknown) {
  const asked: { path: string; init: RequestInit }[] = [];
  const api = new Api((path, init) => {
    asked.push({ path, init });
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
  return { accounts: new AccountsApi(api), asked };
}

describe("the words", () => {
  it("say everything in each language", () => {
    const kinds = (words: object) => Object.entries(words).map(([name, word]) => [name, typeof word]);

    expect(kinds(accountWords.it)).toEqual(kinds(accountWords.en));
    expect(Object.values(accountWords.it).filter((word) => word === "")).toEqual([]);
  });
});

describe("a request", () => {
  it("asks for a password and hands it on", async () => {
    const { accounts, asked } = answering(201, { name: "office", password: "made" });

    expect(await accounts.create("office", { generate_password: true })).toEqual({ name: "office", password: "made" });
    expect(asked[0]?.init).toMatchObject({ method: "POST", body: '{"name":"office","generate_password":true}' });
  });

  it("escapes a name", async () => {
    const { accounts, asked } = answering(204, null);

    await accounts.remove("office@example.com");

    expect(asked[0]?.path).toBe("/api/v1/accounts/office%40example.com");
  });

  it("tells what is wrong with a table, line by line", async () => {
    const errors = [{ line: 3, detail: "name: no" }];
    const { accounts, asked } = answering(422, { status: 422, detail: "line 3: name: no", errors });

    await expect(accounts.import(new Blob(["name\n"]), true)).rejects.toEqual(new TableRefused(errors));
    expect(asked[0]?.path).toBe("/api/v1/accounts/import?dry_run=true");
  });

  it("leaves other failures as they are", async () => {
    const { accounts } = answering(503, { status: 503, detail: "away" });

    await expect(accounts.import(new Blob(["name\n"]), false)).rejects.toBeInstanceOf(ApiError);
  });
});

describe("a field of several", () => {
  it("takes blanks, commas and semicolons", () => {
    expect(listOf(" 050, 051;052 ")).toEqual(["050", "051", "052"]);
    expect(listOf("  ")).toEqual([]);
  });
});

describe("passwords that were made", () => {
  it("are a table that could be imported again", () => {
    expect(tableOf([{ name: "a", password: "x" }])).toBe("name,password\na,x\n");
  });
});

describe("the set-up page of an account", () => {
  it("has an address", () => {
    const hash = setupRoute("*100", "office@example.com");

    expect(parseRoute(hash)).toEqual({ page: "setup", account: "*100", authUser: "office@example.com" });
    expect(parseRoute("#/setup")).toEqual({ page: "setup" });
    expect(parseRoute("#/setup/%")).toEqual({ page: "live" });
  });
});
