// What the api sends: the JSON of /api/v1 and of /ws. null always means: not known.

export type Party = "caller" | "callee";

/** What was heard. */
export interface AudioHealth {
  readonly source: "g711" | "decoded" | null;
  readonly unknown: "encrypted" | "no_decoder" | "not_judged" | null;
  readonly level_dbov: number | null;
  readonly active_level_dbov: number | null;
  readonly peak_dbov: number | null;
  readonly silence_percent: number | null;
  readonly clipping_percent: number | null;
  readonly dead_air_s: number | null;
  readonly judged_percent: number | null;
}

export interface Direction {
  readonly mos: number | null;
  readonly mos_min: number | null;
  readonly r_factor: number | null;
  readonly packets_expected: number | null;
  readonly packets_received: number | null;
  readonly packets_lost: number | null;
  readonly loss_percent: number | null;
  readonly discard_percent: number | null;
  readonly duplicates: number | null;
  readonly reordered: number | null;
  readonly jitter_ms: number | null;
  readonly jitter_max_ms: number | null;
  readonly rtt_ms: number | null;
  readonly delay_ms: number | null;
  readonly delay_source: string | null;
  readonly burst_r: number | null;
  readonly codec: string | null;
  readonly ptime_ms: number | null;
  readonly ssrc: number | null;
  readonly audio: AudioHealth | null;
}

export type Phase = "started" | "ringing" | "answered" | "ended";

export interface Injected {
  readonly loss_percent: number;
  readonly jitter_ms: number;
}

export interface Call {
  readonly call_id: string;
  readonly state: "live" | "ended";
  readonly phase: Phase;
  readonly caller: string | null; // address of record; null until the signalling told it
  readonly callee: string | null;
  readonly started_at: string;
  readonly answered_at: string | null;
  readonly ended_at: string | null;
  readonly duration_s: number | null;
  readonly codec: string | null;
  readonly final_code: number | null;
  readonly hangup_by: "caller" | "callee" | "proxy" | null;
  readonly reason: string | null;
  readonly extension: string | null;
  readonly injected: Injected | null; // by 997, on the way back to the caller
  readonly flags: readonly string[];
  readonly mos: number | null;
  readonly directions: { readonly [party in Party]: Direction | null };
}

export interface Waterfall {
  readonly ro: number;
  readonly simultaneous: number;
  readonly delay: number;
  readonly codec: number;
  readonly loss: number;
  readonly burst: number;
  readonly discard: number;
  readonly r: number;
  readonly ie: number;
  readonly bpl: number;
}

export interface Quality {
  readonly scale: "nb" | "wb" | "fb";
  readonly kind: "LQ" | "CQ";
  readonly grounding: "standard" | "proxy" | "none";
  readonly assumption: string | null;
  readonly mos: number | null;
  readonly r_factor: number | null;
  readonly waterfall: Waterfall | null;
}

export type BufferName = "fixed50" | "fixed200" | "adaptive500";

/** What one simulated de-jitter buffer would have made of the stream. */
export interface BufferOutcome {
  readonly name: BufferName;
  readonly packets_discarded: number;
  readonly discard_percent: number | null;
  readonly hold_ms: number | null;
  readonly mos: number | null;
}

export interface Measures {
  readonly packets_expected: number;
  readonly packets_discarded: number | null;
  readonly discard_percent: number | null;
  readonly burst_r: number | null;
  readonly pdv_p50_ms: number | null;
  readonly pdv_p95_ms: number | null;
  readonly pdv_p99_ms: number | null;
  readonly scored_buffer: BufferName | null;
  readonly buffers: readonly BufferOutcome[] | null;
  readonly quality: Quality | null;
  readonly conversational: Quality | null;
}

export interface BurstGap {
  readonly bursts: number;
  readonly burst_density: number | null;
  readonly gap_density: number | null;
  readonly burst_duration_ms: number | null;
  readonly gap_duration_ms: number | null;
}

export interface Delay {
  readonly one_way_ms: number;
  readonly rtt_ms: number | null;
  readonly source: "rtcp" | "rtcp-xr" | "configured";
  readonly mouth_to_ear_ms: number | null;
  readonly parts: {
    readonly packetisation_ms: number;
    readonly look_ahead_ms: number;
    readonly network_ms: number;
    readonly buffer_ms: number | null;
    readonly play_out_ms: number;
  } | null;
}

/** What the phone at the other end says by RTCP of what it received. */
export interface RemoteReport {
  readonly reports: number;
  readonly fraction_lost_percent: number | null;
  readonly cumulative_lost: number | null;
  readonly jitter_ms: number | null;
  readonly rtt_ms: number | null;
  readonly rtt_mean_ms: number | null;
  readonly voip: {
    readonly loss_percent: number;
    readonly discard_percent: number;
    readonly end_system_delay_ms: number | null;
    readonly buffer_nominal_ms: number;
    readonly r_factor: number | null;
    readonly mos_lq: number | null;
    readonly mos_cq: number | null;
  } | null;
}

export interface Stream {
  readonly direction: Party;
  readonly ssrc: number;
  readonly codec: string | null;
  readonly payload_type: number | null;
  readonly clock_rate: number | null;
  readonly ptime_ms: number | null;
  readonly source: string | null;
  readonly delay: Delay | null;
  readonly remote: RemoteReport | null;
  readonly burst_gap: BurstGap | null;
  readonly loss_runs: readonly number[] | null; // of 1, 2, ... 9, and 10 or more packets
  readonly drift_ppm: number | null;
  readonly delta_max_ms: number | null;
  readonly events_received: number;
  readonly comfort_noise_received: number;
  readonly timestamp_steps: number;
  readonly audio: AudioHealth | null;
  readonly total: Measures | null;
}

export type Rating = "good" | "fair" | "poor" | "unknown";
export type Problem = "missing" | "loss" | "late" | "delay" | "clock" | "codec" | "silent" | "clipped";
export type Culprit =
  | "caller_access" // the way between the caller and this system
  | "callee_access"
  | "caller_device"
  | "callee_device"
  | "monitor"
  | "codec"
  | "unknown";

/** A number that a finding rests on, and what it would have to stay below to go unnoticed. */
export interface Evidence {
  readonly measure: string;
  readonly value: number;
  readonly limit: number | null;
}

export interface Finding {
  readonly direction: Party;
  readonly problem: Problem;
  readonly culprit: Culprit;
  readonly r_lost: number | null;
  readonly evidence: readonly Evidence[];
}

export interface Verdict {
  readonly rating: Rating;
  readonly findings: readonly Finding[];
  readonly unseen: readonly Party[]; // whose RTCP does not tell what reached them
}

export interface CallDetail extends Call {
  readonly streams: readonly Stream[];
  readonly verdict: Verdict | null;
}

export type Instant = string | number; // RFC 3339, or seconds since 1970

export interface Slice {
  readonly call_id?: string; // only in /ws, where slices of many calls travel together
  readonly direction: Party;
  readonly ssrc: number;
  readonly started_at: Instant;
  readonly duration_s: number;
  readonly mos: number | null;
  readonly r_factor: number | null;
  readonly loss_percent: number | null;
  readonly jitter_ms: number | null;
  readonly discard_percent: number | null;
  readonly pdv_p95_ms: number | null;
  readonly impaired: boolean;
}

export interface SipMessage {
  readonly at: Instant;
  readonly direction: "received" | "sent";
  readonly transport: string;
  readonly local: string;
  readonly remote: string;
  readonly method: string;
  readonly cseq: number;
  readonly status: number | null;
  readonly reason_phrase: string | null;
  readonly text: string;
}

export interface Registration {
  readonly aor: string;
  readonly contact: string;
  readonly source: string;
  readonly transport: string;
  readonly user_agent: string | null;
  readonly state: "registered" | "expired" | "unregistered";
  readonly registered_at: string | null;
  readonly refreshed_at: string | null;
  readonly expires_at: string | null;
}

/** A registered contact that is asked now and then whether it answers. */
export interface Gateway {
  readonly aor: string;
  readonly contact: string;
  readonly state: "up" | "down" | null;
  readonly probed_at: string | null;
  readonly rtt_ms: number | null;
}

/** The same in each language of the page. */
export type Words = { readonly [code in "en" | "it"]: string };

export type Transport = "udp" | "tcp" | "tls";
export type Confidence = "tried" | "documented" | "unverified";

export interface DeviceName {
  readonly id: string;
  readonly name: string;
  readonly kind: "gateway" | "adapter" | "phone" | "softphone" | "pbx";
  readonly confidence: Confidence;
  readonly transports: readonly Transport[];
}

export interface ConfigHelp {
  readonly device: DeviceName;
  readonly transport: Transport;
  readonly server: string;
  readonly parts: readonly {
    readonly where: Words;
    readonly lines: readonly { readonly text: string; readonly confidence: Confidence }[];
  }[];
  readonly notes: readonly Words[];
  readonly checks: readonly (Words & { readonly id: "registered" | "echo" | "codec" | "spoken" })[];
}

export interface Service {
  readonly service: string;
  readonly instance: string | null; // null: none was ever heard of
  readonly alive: boolean;
}

export type Role = "admin" | "viewer";

/** Who is signed in. */
export interface Session {
  readonly username: string;
  readonly role: Role;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

/** An uploaded capture file, without its report. */
export interface Capture {
  readonly capture_id: string;
  readonly name: string;
  readonly uploaded_by: string;
  readonly uploaded_at: string;
  readonly size_bytes: number;
  readonly state: "queued" | "running" | "done" | "failed";
  readonly progress: number | null; // 0 to 1
  readonly finished_at: string | null;
  readonly error: string | null;
  readonly streams: number | null;
}

export interface Snapshot {
  readonly type: "snapshot";
  readonly at: Instant;
  readonly seq: number;
  readonly calls: readonly Call[];
  readonly registrations: readonly Registration[];
  readonly captures?: readonly Capture[]; // those under way
}

export interface Delta {
  readonly type: "delta";
  readonly seq: number;
  readonly calls?: readonly Call[];
  readonly removed?: readonly string[];
  readonly registrations?: readonly Registration[];
  readonly slices?: readonly Slice[];
  readonly captures?: readonly Capture[];
  readonly captures_removed?: readonly string[];
}

export interface Ping {
  readonly type: "ping";
  readonly at: Instant;
}

export type ServerMessage = Snapshot | Delta | Ping;
