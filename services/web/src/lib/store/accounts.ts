// The requests of the accounts page.
import { ApiError, withBody, type Api } from "./api";

export interface Account {
  readonly name: string;
  readonly users: readonly string[];
  readonly transports: readonly ("udp" | "tcp" | "tls")[];
  readonly max_calls: number | null;
  readonly max_calls_per_day: number | null;
  readonly allowed_prefixes: readonly string[];
  readonly seeded: boolean;
  readonly usable: boolean;
  readonly contacts: number;
}

export interface AccountPage {
  readonly source: "file" | "seeded" | "managed";
  readonly items: readonly Account[];
}

export interface AccountChange {
  readonly password?: string;
  readonly generate_password?: boolean;
  readonly users?: readonly string[];
  readonly max_calls?: number | null;
  readonly max_calls_per_day?: number | null;
  readonly allowed_prefixes?: readonly string[];
}

/** A password that was made: nobody can ask for it again. */
export interface MadePassword {
  readonly name: string;
  readonly password: string;
}

export interface LineError {
  readonly line: number;
  readonly detail: string;
}

export interface Imported {
  readonly created: number;
  readonly changed: number;
  readonly passwords: readonly MadePassword[];
}

/** A table that was not taken, and why, line by line. */
export class TableRefused extends Error {
  constructor(readonly errors: readonly LineError[]) {
    super("table refused");
    this.name = "TableRefused";
  }
}

export class AccountsApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  page(): Promise<AccountPage> {
    return this.#api.get("/accounts");
  }

  create(name: string, change: AccountChange): Promise<MadePassword | null> {
    return this.#write("", withBody("POST", { name, ...change }));
  }

  change(name: string, change: AccountChange): Promise<MadePassword | null> {
    return this.#write(`/${encodeURIComponent(name)}`, withBody("PATCH", change));
  }

  async remove(name: string): Promise<void> {
    await this.#api.send(`/accounts/${encodeURIComponent(name)}`, { method: "DELETE" });
  }

  /** Rejects with TableRefused when the table itself is to blame. */
  async import(table: Blob, dryRun: boolean): Promise<Imported> {
    const init = { method: "POST", headers: { "Content-Type": "text/csv" }, body: table };
    try {
      return (await (await this.#api.send(`/accounts/import?dry_run=${dryRun}`, init)).json()) as Imported;
    } catch (error) {
      const errors = error instanceof ApiError ? (error.problem["errors"] as readonly LineError[] | undefined) : undefined;
      throw errors === undefined ? error : new TableRefused(errors);
    }
  }

  async #write(path: string, init: RequestInit): Promise<MadePassword | null> {
    const written = (await (await this.#api.send(`/accounts${path}`, init)).json()) as {
      name: string;
      password: string | null;
    };
    return written.password === null ? null : { name: written.name, password: written.password };
  }
}

/** The words of a field that takes several, separated by blanks, commas or semicolons. */
export function listOf(text: string): readonly string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== "");
}

/** The table of names and passwords that were made, as it would be imported again. */
export function tableOf(passwords: readonly MadePassword[]): string {
  return ["name,password", ...passwords.map(({ name, password }) => `${name},${password}`)].join("\n") + "\n";
}
