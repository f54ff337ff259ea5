// The requests of the settings page: one's own sessions and password, users, tokens and the audit log.
import type { Page, Role } from "../types";
import { withBody, type Api } from "./api";

export const SCOPES = ["read", "write", "metrics", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export const ACTIONS = [
  "signed_in",
  "sign_in_failed",
  "signed_out",
  "sessions_ended",
  "password_changed",
  "user_created",
  "user_changed",
  "user_deleted",
  "token_created",
  "token_revoked",
  "changed",
] as const;
export type Action = (typeof ACTIONS)[number];

export interface OwnSession {
  readonly id: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly address: string;
  readonly user_agent: string | null;
  readonly current: boolean;
}

export interface User {
  readonly username: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly signed_in_at: string | null;
}

export interface UserChange {
  readonly role?: Role;
  readonly disabled?: boolean;
  readonly password?: string;
}

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly hint: string;
  readonly username: string;
  readonly scopes: readonly Scope[];
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

export interface AuditEntry {
  readonly at: string;
  readonly action: Action;
  readonly actor: string | null;
  readonly token: string | null;
  readonly address: string | null;
  readonly target: string | null;
  readonly detail: string | null;
}

export class AccessApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  sessions(): Promise<readonly OwnSession[]> {
    return this.#api.items("/sessions");
  }

  async endSession(id: string): Promise<void> {
    await this.#api.send(`/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  async endOtherSessions(): Promise<void> {
    await this.#api.send("/sessions", { method: "DELETE" });
  }

  async changePassword(current: string, next: string): Promise<void> {
    await this.#api.send("/session/password", withBody("PUT", { current_password: current, new_password: next }));
  }

  users(): Promise<readonly User[]> {
    return this.#api.items("/users");
  }

  async createUser(username: string, role: Role, password: string): Promise<void> {
    await this.#api.send("/users", withBody("POST", { username, role, password }));
  }

  async changeUser(username: string, change: UserChange): Promise<void> {
    await this.#api.send(`/users/${encodeURIComponent(username)}`, withBody("PATCH", change));
  }

  async deleteUser(username: string): Promise<void> {
    await this.#api.send(`/users/${encodeURIComponent(username)}`, { method: "DELETE" });
  }

  tokens(): Promise<readonly Token[]> {
    return this.#api.items("/tokens");
  }

  /** The secret of the new token, which cannot be asked for again. */
  async createToken(name: string, scopes: readonly Scope[], expiresAt: string | null): Promise<string> {
    const response = await this.#api.send("/tokens", withBody("POST", { name, scopes, expires_at: expiresAt }));
    return ((await response.json()) as { token: string }).token;
  }

  async revokeToken(id: string): Promise<void> {
    await this.#api.send(`/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  audit(action: Action | "", cursor: string | null): Promise<Page<AuditEntry>> {
    const query = new URLSearchParams({ limit: "50" });
    if (action !== "") query.set("action", action);
    if (cursor !== null) query.set("cursor", cursor);
    return this.#api.get(`/audit?${query}`);
  }
}
