// The requests to /api/v1. Errors are values of one class, by what a page can do about them.
import type { Call, CallDetail, ConfigHelp, DeviceName, Gateway, Page, Service, Session, SipMessage, Slice } from "../types";

/** A request that failed; `status` 0: no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly problem: Readonly<Record<string, unknown>> = {}, // RFC 9457, with what a route adds to it
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** The status of a failed request; 0: no answer came, or it was no request. */
export function statusOf(error: unknown): number {
  return error instanceof ApiError ? error.status : 0;
}

export interface CallQuery {
  readonly state?: "live" | "ended";
  readonly limit?: number;
  readonly cursor?: string;
}

export function withBody(method: "POST" | "PUT" | "PATCH", body: unknown): RequestInit {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>;

export class Api {
  readonly #fetch: Fetch;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  session(): Promise<Session> {
    return this.get("/session");
  }

  async signIn(username: string, password: string): Promise<Session> {
    const response = await this.send("/session", withBody("POST", { username, password }));
    return (await response.json()) as Session;
  }

  async signOut(): Promise<void> {
    await this.send("/session", { method: "DELETE" });
  }

  calls(query: CallQuery, signal?: AbortSignal): Promise<Page<Call>> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    return this.get(`/calls?${parameters}`, signal);
  }

  call(callId: string, signal?: AbortSignal): Promise<CallDetail> {
    return this.get(`/calls/${encodeURIComponent(callId)}`, signal);
  }

  slices(callId: string, signal?: AbortSignal): Promise<readonly Slice[]> {
    return this.items(`/calls/${encodeURIComponent(callId)}/slices`, signal);
  }

  messages(callId: string, signal?: AbortSignal): Promise<readonly SipMessage[]> {
    return this.items(`/calls/${encodeURIComponent(callId)}/messages`, signal);
  }

  services(signal?: AbortSignal): Promise<readonly Service[]> {
    return this.items("/services", signal);
  }

  gateways(signal?: AbortSignal): Promise<readonly Gateway[]> {
    return this.items("/gateways", signal);
  }

  configurableDevices(signal?: AbortSignal): Promise<readonly DeviceName[]> {
    return this.items("/config-help", signal);
  }

  configHelp(device: string, wanted: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ConfigHelp> {
    const given = Object.entries(wanted).filter(([, value]) => value !== "");
    return this.get(`/config-help/${encodeURIComponent(device)}?${new URLSearchParams(given)}`, signal);
  }

  async items<Item>(path: string, signal?: AbortSignal): Promise<readonly Item[]> {
    return (await this.get<{ items: readonly Item[] }>(path, signal)).items;
  }

  async get<Body>(path: string, signal?: AbortSignal): Promise<Body> {
    const response = await this.send(path, signal === undefined ? {} : { signal });
    return (await response.json()) as Body;
  }

  async send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(`/api/v1${path}`, init);
    } catch (error) {
      if (init.signal?.aborted) throw error; // the page went elsewhere; nobody waits for this
      throw new ApiError(0, "no answer");
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

/** With the sentence of an RFC 9457 problem, or the status line when the body is something else. */
async function errorOf(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as { detail?: string; title?: string };
    return new ApiError(response.status, problem.detail ?? problem.title ?? response.statusText, { ...problem });
  } catch {
    return new ApiError(response.status, response.statusText);
  }
}
