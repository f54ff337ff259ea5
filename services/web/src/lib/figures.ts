// All that was measured of one stream, as text with its explanation, in groups. What does not exist is left out.
import { ssrc, UNKNOWN, type Formats } from "./format";
import type { Dictionary } from "./i18n";
import type { CallWords, FigureName } from "./i18n/call";
import type { Direction, Stream } from "./types";

export interface Figure {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
}

export type GroupName = keyof CallWords["groups"];

export interface Group {
  readonly name: GroupName;
  readonly figures: readonly Figure[];
}

export interface Speech {
  readonly measure: Dictionary["measure"];
  readonly words: CallWords;
  readonly f: Formats;
}

type Own = "loss" | "lost" | "expected" | "received" | "duplicates" | "reordered" | "jitter" | "jitterMax" | "mosMin";
type Sound = "level" | "silence" | "clipping" | "codec" | "ptime" | "ssrc";

/** What is shown at once: one line for each way in which a call can be bad. */
export function headline(direction: Direction | null, stream: Stream | null, speech: Speech): Figure[] {
  const { f } = speech;
  const audio = direction?.audio ?? null;
  const [common, special] = [commonly(speech), specially(speech)];
  const level = common("level", f.level(audio?.active_level_dbov ?? audio?.level_dbov ?? null));
  // Why there is no level is more useful than what a level is.
  const unknown = audio?.unknown ?? null;
  return [
    common("loss", f.percent(direction?.loss_percent ?? null)),
    special("discarded", f.percent(direction?.discard_percent ?? null)),
    common("jitter", f.milliseconds(direction?.jitter_ms ?? null)),
    common("mosMin", f.mos(direction?.mos_min ?? null)),
    special("mouthToEar", f.milliseconds(stream?.delay?.mouth_to_ear_ms ?? null)),
    special("mosCq", f.mos(stream?.total?.conversational?.mos ?? null)),
    unknown === null ? level : { ...level, hint: speech.measure.audioUnknown[unknown] },
    common("codec", direction?.codec ?? UNKNOWN),
  ];
}

/** Every other figure: counts of the direction, the rest of its stream. */
export function allFigures(direction: Direction, stream: Stream, speech: Speech): Group[] {
  return [
    { name: "loss", figures: lossFigures(direction, stream, speech) },
    { name: "timing", figures: timingFigures(direction, stream, speech) },
    { name: "delay", figures: delayFigures(stream, speech) },
    { name: "remote", figures: remoteFigures(stream, speech) },
    { name: "audio", figures: soundFigures(stream, speech) },
    { name: "stream", figures: streamFigures(stream, speech) },
  ];
}

function lossFigures(direction: Direction, stream: Stream, speech: Speech): Figure[] {
  const { f } = speech;
  const [common, special] = [commonly(speech), specially(speech)];
  const holes = stream.burst_gap;
  const share = (density: number | null | undefined) => f.percent(density == null ? null : density * 100);
  return [
    common("expected", f.count(direction.packets_expected)),
    common("received", f.count(direction.packets_received)),
    common("lost", f.count(direction.packets_lost)),
    common("duplicates", f.count(direction.duplicates)),
    common("reordered", f.count(direction.reordered)),
    special("burstR", f.mos(stream.total?.burst_r ?? null)),
    special("lossRuns", lossRuns(stream.loss_runs, f)),
    special("bursts", f.count(holes?.bursts ?? null)),
    special("burstDensity", share(holes?.burst_density)),
    special("burstDuration", f.milliseconds(holes?.burst_duration_ms ?? null)),
    special("gapDensity", share(holes?.gap_density)),
    special("gapDuration", f.milliseconds(holes?.gap_duration_ms ?? null)),
  ];
}

/** `1 × 12, 2 × 3`: twelve times a single packet, three times two in a row. The last run is of so many or more. */
function lossRuns(runs: readonly number[] | null, f: Formats): string {
  if (runs === null) return UNKNOWN;
  const seen = runs.flatMap((times, index) =>
    times === 0 ? [] : [`${index + 1}${index === 9 ? "+" : ""} × ${f.count(times)}`],
  );
  return seen.length === 0 ? f.count(0) : seen.join(", ");
}

function timingFigures(direction: Direction, stream: Stream, speech: Speech): Figure[] {
  const { f } = speech;
  const [common, special] = [commonly(speech), specially(speech)];
  return [
    common("jitterMax", f.milliseconds(direction.jitter_max_ms)),
    special("pdv50", f.milliseconds(stream.total?.pdv_p50_ms ?? null)),
    special("pdv95", f.milliseconds(stream.total?.pdv_p95_ms ?? null)),
    special("pdv99", f.milliseconds(stream.total?.pdv_p99_ms ?? null)),
    special("deltaMax", f.milliseconds(stream.delta_max_ms)),
    special("drift", f.ppm(stream.drift_ppm)),
    special("steps", f.count(stream.timestamp_steps)),
  ];
}

function delayFigures({ delay }: Stream, speech: Speech): Figure[] {
  if (delay === null) return [];
  const { f, words } = speech;
  const special = specially(speech);
  const { parts } = delay;
  return [
    special("oneWay", f.milliseconds(delay.one_way_ms)),
    special("rtt", f.milliseconds(delay.rtt_ms)),
    special("delaySource", words.delaySources[delay.source]),
    special("packetisation", f.milliseconds(parts?.packetisation_ms ?? null)),
    special("lookAhead", f.milliseconds(parts?.look_ahead_ms ?? null)),
    special("bufferDelay", f.milliseconds(parts?.buffer_ms ?? null)),
    special("playOut", f.milliseconds(parts?.play_out_ms ?? null)),
  ];
}

function remoteFigures({ remote }: Stream, speech: Speech): Figure[] {
  if (remote === null) return [];
  const { f } = speech;
  const special = specially(speech);
  const { voip } = remote;
  const reported = [
    special("reports", f.count(remote.reports)),
    special("remoteLoss", f.percent(remote.fraction_lost_percent)),
    special("remoteLost", f.count(remote.cumulative_lost)),
    special("remoteJitter", f.milliseconds(remote.jitter_ms)),
    special("remoteRtt", f.milliseconds(remote.rtt_mean_ms ?? remote.rtt_ms)),
  ];
  if (voip === null) return reported;
  return [
    ...reported,
    special("xrMosLq", f.mos(voip.mos_lq)),
    special("xrMosCq", f.mos(voip.mos_cq)),
    special("xrDiscard", f.percent(voip.discard_percent)),
  ];
}

function soundFigures({ audio }: Stream, speech: Speech): Figure[] {
  if (audio === null || audio.unknown !== null) return [];
  const { f } = speech;
  const [common, special] = [commonly(speech), specially(speech)];
  return [
    common("silence", f.percent(audio.silence_percent)),
    common("clipping", f.percent(audio.clipping_percent)),
    special("peak", f.level(audio.peak_dbov)),
    special("deadAir", f.seconds(audio.dead_air_s)),
    special("judged", f.percent(audio.judged_percent)),
  ];
}

function streamFigures(stream: Stream, speech: Speech): Figure[] {
  const { f } = speech;
  const [common, special] = [commonly(speech), specially(speech)];
  return [
    common("ptime", f.milliseconds(stream.ptime_ms)),
    common("ssrc", ssrc(stream.ssrc)),
    special("payloadType", f.count(stream.payload_type)),
    special("clockRate", stream.clock_rate === null ? UNKNOWN : `${f.count(stream.clock_rate)}\u00a0Hz`),
    special("source", stream.source ?? UNKNOWN),
    special("events", f.count(stream.events_received)),
    special("comfortNoise", f.count(stream.comfort_noise_received)),
  ];
}

function commonly({ measure }: Speech) {
  return (name: Own | Sound, value: string): Figure => {
    return { name, label: measure[name], hint: measure[`${name}Hint`], value };
  };
}

function specially({ words }: Speech) {
  return (name: FigureName, value: string): Figure => {
    const [label, hint] = words.figures[name];
    return { name, label, hint, value };
  };
}
