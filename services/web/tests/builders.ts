// Values for the tests: complete, and changed only where a test looks.
import type { Call, Capture, Direction, Registration, SipMessage, Slice, Snapshot, Stream } from "../src/lib/types";

export const AT = "2026-11-23T09:00:00Z";
export const AT_MS = Date.parse(AT);

export function direction(change: Partial<Direction> = {}): Direction {
  return {
    mos: 4.41,
    mos_min: 4.41,
    r_factor: 93.2,
    packets_expected: 50,
    packets_received: 50,
    packets_lost: 0,
    loss_percent: 0,
    discard_percent: null,
    duplicates: 0,
    reordered: 0,
    jitter_ms: 0.4,
    jitter_max_ms: 0.6,
    rtt_ms: null,
    delay_ms: null,
    delay_source: null,
    burst_r: null,
    codec: "PCMA",
    ptime_ms: 20,
    ssrc: 1,
    audio: null,
    ...change,
  };
}

export function call(id: string, change: Partial<Call> = {}): Call {
  return {
    call_id: id,
    state: "live",
    phase: "answered",
    caller: "alice@example.org",
    callee: "999@example.org",
    started_at: AT,
    answered_at: AT,
    ended_at: null,
    duration_s: null,
    codec: "PCMA",
    final_code: 200,
    hangup_by: null,
    reason: null,
    extension: "999",
    injected: null,
    flags: [],
    mos: 4.41,
    directions: { caller: direction(), callee: direction() },
    ...change,
  };
}

export function ended(id: string, change: Partial<Call> = {}): Call {
  return call(id, { state: "ended", phase: "ended", ended_at: AT, duration_s: 10, ...change });
}

export function stream(change: Partial<Stream> = {}): Stream {
  return {
    direction: "caller",
    ssrc: 1,
    codec: "PCMA",
    payload_type: 8,
    clock_rate: 8000,
    ptime_ms: 20,
    source: "192.0.2.1:4000",
    delay: null,
    remote: null,
    burst_gap: null,
    loss_runs: null,
    drift_ppm: null,
    delta_max_ms: null,
    events_received: 0,
    comfort_noise_received: 0,
    timestamp_steps: 0,
    audio: null,
    total: null,
    ...change,
  };
}

export function slice(second: number, change: Partial<Slice> = {}): Slice {
  return {
    direction: "caller",
    ssrc: 1,
    started_at: AT_MS / 1000 + second,
    duration_s: 1,
    mos: 4.41,
    r_factor: 93.2,
    loss_percent: 0,
    jitter_ms: 0.4,
    discard_percent: 0,
    pdv_p95_ms: 1.2,
    impaired: false,
    ...change,
  };
}

export function registration(aor: string, change: Partial<Registration> = {}): Registration {
  return {
    aor,
    contact: `sip:${aor}`,
    source: "192.0.2.1:5060",
    transport: "udp",
    user_agent: null,
    state: "registered",
    registered_at: AT,
    refreshed_at: AT,
    expires_at: AT,
    ...change,
  };
}

export function capture(id: string, change: Partial<Capture> = {}): Capture {
  return {
    capture_id: id,
    name: `${id}.pcap`,
    uploaded_by: "admin",
    uploaded_at: AT,
    size_bytes: 1000,
    state: "queued",
    progress: null,
    finished_at: null,
    error: null,
    streams: null,
    ...change,
  };
}

export function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  return { type: "snapshot", at: AT, seq: 1, calls: [], registrations: [], ...change };
}

export function sipMessage(change: Partial<SipMessage> = {}): SipMessage {
  return {
    at: AT,
    direction: "received",
    transport: "udp",
    local: "192.0.2.10:5060",
    remote: "192.0.2.1:5060",
    method: "INVITE",
    cseq: 1,
    status: null,
    reason_phrase: null,
    text: "",
    ...change,
  };
}
