// The requests of the captures page: uploads with their progress, the list, one report.
import type { Capture, Page, Party, Quality } from "../types";
import { ApiError, type Api } from "./api";

export interface CapturePage extends Page<Capture> {
  readonly max_bytes: number;
}

export interface CapturedStream {
  readonly number: number;
  readonly call_id: string | null;
  readonly direction: Party | null;
  readonly source: string | null;
  readonly target: string;
  readonly ssrc: number;
  readonly codec: string | null;
  readonly copy_of: number | null;
  readonly packets_after_end: number;
  readonly total: {
    readonly packets_received: number;
    readonly loss_percent: number | null;
    readonly discard_percent: number | null;
    readonly jitter_ms: number | null;
    readonly pdv_p95_ms: number | null;
    readonly quality: Quality | null;
  } | null;
}

export interface CapturedCall {
  readonly call_id: string;
  readonly caller: string | null;
  readonly callee: string | null;
}

export interface CaptureReport {
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly counts: { readonly packets: number; readonly rtp: number; readonly unmeasured: number };
  readonly calls: readonly CapturedCall[];
  readonly streams: readonly CapturedStream[];
  readonly truncated: boolean;
  readonly damage: string | null;
}

export interface CaptureDetail extends Capture {
  readonly report: CaptureReport | null;
}

export class CapturesApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  page(cursor: string | null, signal?: AbortSignal): Promise<CapturePage> {
    const query = new URLSearchParams({ limit: "50" });
    if (cursor !== null) query.set("cursor", cursor);
    return this.#api.get(`/captures?${query}`, signal);
  }

  capture(id: string, signal?: AbortSignal): Promise<CaptureDetail> {
    return this.#api.get(`/captures/${encodeURIComponent(id)}`, signal);
  }

  async remove(id: string): Promise<void> {
    await this.#api.send(`/captures/${encodeURIComponent(id)}`, { method: "DELETE" });
  }
}

/**
 * Sends a file; `fetch` cannot tell how far an upload is.
 *
 * @param told the share that was sent, 0 to 1
 * @throws ApiError, also when `signal` ended it (status 0)
 */
export function upload(file: File, told: (share: number) => void, signal: AbortSignal): Promise<Capture> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/captures?${new URLSearchParams({ name: file.name.slice(0, 255) })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => told(event.total > 0 ? event.loaded / event.total : 0);
    request.onload = () => {
      const body = request.response as (Capture & { detail?: string }) | null;
      if (request.status === 201 && body !== null) resolve(body);
      else reject(new ApiError(request.status, body?.detail ?? request.statusText));
    };
    request.onerror = request.onabort = () => reject(new ApiError(0, "no answer"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** The streams by call, in the order of the calls; those of no call come last. */
export function byCall(
  report: CaptureReport,
): readonly { readonly call: CapturedCall | null; readonly streams: readonly CapturedStream[] }[] {
  const of = (id: string | null) => report.streams.filter((stream) => stream.call_id === id);
  const groups = report.calls.map((call) => ({ call, streams: of(call.call_id) }));
  return [...groups, { call: null, streams: of(null) }].filter((group) => group.streams.length > 0);
}
