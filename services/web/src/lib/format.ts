// Numbers, times and names as text, in the way of a locale. What is not known is a dash.
import { toMs } from "./time";
import type { Instant } from "./types";

export const UNKNOWN = "–";

export interface Formats {
  mos(value: number | null): string;
  /** R factors and impairments: one decimal. */
  factor(value: number | null): string;
  /** One decimal; a loss that is there but rounds to nothing is not shown as nothing. */
  percent(value: number | null): string;
  milliseconds(value: number | null): string;
  seconds(value: number | null): string;
  /** Parts per million: clocks. */
  ppm(value: number | null): string;
  /** Audio levels relative to overload. */
  level(value: number | null): string;
  count(value: number | null): string;
  time(instant: Instant | null): string;
  dateTime(instant: Instant | null): string;
  /** `+0.123 s`: how long after another moment, given in seconds. */
  offset(seconds: number): string;
}

export function formats(locale: string): Formats {
  const decimals = (digits: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const whole = new Intl.NumberFormat(locale);
  const one = decimals(1);
  const two = decimals(2);
  const three = decimals(3);
  const percent = new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const time = new Intl.DateTimeFormat(locale, clock);
  const dateTime = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", ...clock });
  const known = <Value>(value: Value | null, text: (value: Value) => string) =>
    value === null ? UNKNOWN : text(value);

  return {
    mos: (value) => known(value, (mos) => two.format(mos)),
    factor: (value) => known(value, (factor) => one.format(factor)),
    percent: (value) =>
      known(value, (loss) =>
        loss > 0 && loss < 0.05 ? `<${percent.format(0.001)}` : percent.format(loss / 100),
      ),
    milliseconds: (value) => known(value, (ms) => `${one.format(ms)}\u00a0ms`),
    seconds: (value) => known(value, (s) => `${one.format(s)}\u00a0s`),
    ppm: (value) => known(value, (ppm) => `${whole.format(Math.round(ppm))}\u00a0ppm`),
    level: (value) => known(value, (dbov) => `${one.format(dbov)}\u00a0dBov`),
    count: (value) => known(value, (count) => whole.format(count)),
    time: (value) => known(value, (instant) => time.format(toMs(instant))),
    dateTime: (value) => known(value, (instant) => dateTime.format(toMs(instant))),
    offset: (seconds) => `${seconds < 0 ? "−" : "+"}${three.format(Math.abs(seconds))}\u00a0s`,
  };
}

/** `2:05` or `1:02:05`; the same in every locale. */
export function duration(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  const total = Math.max(0, Math.floor(seconds));
  const pad = (part: number) => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(total % 60)}` : `${minutes}:${pad(total % 60)}`;
}

/** An SSRC as Wireshark writes it. */
export function ssrc(value: number | null): string {
  return value === null ? UNKNOWN : `0x${value.toString(16).toUpperCase().padStart(8, "0")}`;
}

export interface Name {
  readonly user: string;
  readonly domain: string; // with its "@", or empty
}

/** An address of record in its two parts. It comes from strangers and may be any text. */
export function splitAor(aor: string): Name {
  const at = aor.lastIndexOf("@");
  return at > 0 ? { user: aor.slice(0, at), domain: aor.slice(at) } : { user: aor, domain: "" };
}
