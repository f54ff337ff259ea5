// What the page of a call says of a stream, figure by figure.
import { describe, expect, it } from "vitest";
import { allFigures, headline, type Group, type GroupName } from "../src/lib/figures";
import { formats } from "../src/lib/format";
import { callWords } from "../src/lib/i18n/call";
import { en } from "../src/lib/i18n/en";
import type { Stream } from "../src/lib/types";
import { direction, stream } from "./builders";

const speech = { measure: en.measure, words: callWords.en, f: formats("en") };

function text(groups: readonly Group[], group: GroupName, name: string): string | undefined {
  return groups.find((one) => one.name === group)?.figures.find((one) => one.name === name)?.value.replaceAll("\u00a0", " ");
}

const groupsOf = (change: Partial<Stream>) => allFigures(direction(), stream(change), speech);

describe("the figures of a stream", () => {
  it("have their units", () => {
    const groups = groupsOf({ drift_ppm: -12.4, delta_max_ms: 61.25, clock_rate: 8000 });

    expect(text(groups, "timing", "drift")).toBe("-12 ppm");
    expect(text(groups, "timing", "deltaMax")).toBe("61.3 ms");
    expect(text(groups, "stream", "clockRate")).toBe("8,000 Hz");
  });

  it("never show as zero what is not known", () => {
    const groups = groupsOf({ drift_ppm: null, loss_runs: null, burst_gap: null });

    expect(text(groups, "timing", "drift")).toBe("–");
    expect(text(groups, "loss", "lossRuns")).toBe("–");
    expect(text(groups, "loss", "burstDensity")).toBe("–");
  });

  it("count runs of lost packets by their length, the last one open", () => {
    expect(text(groupsOf({ loss_runs: [12, 0, 3, 0, 0, 0, 0, 0, 0, 1] }), "loss", "lossRuns")).toBe("1 × 12, 3 × 3, 10+ × 1");
    expect(text(groupsOf({ loss_runs: [0, 0] }), "loss", "lossRuns")).toBe("0");
  });

  it("have the densities of bursts and gaps in percent", () => {
    const burst_gap = { bursts: 2, burst_density: 0.25, gap_density: 0.01, burst_duration_ms: 240, gap_duration_ms: 9000 };

    expect(text(groupsOf({ burst_gap }), "loss", "burstDensity")).toBe("25.0%");
  });

  it("leave out the delay that nobody knows and the report that nobody sent", () => {
    const empty = groupsOf({ delay: null, remote: null }).filter((group) => group.figures.length === 0);

    expect(empty.map((group) => group.name)).toEqual(["delay", "remote", "audio"]);
  });

  it("say why the sound is not known", () => {
    const audio = {
      source: null, unknown: "encrypted", level_dbov: null, active_level_dbov: null, peak_dbov: null,
      silence_percent: null, clipping_percent: null, dead_air_s: null, judged_percent: null,
    } as const;
    const level = headline(direction({ audio }), null, speech).find((figure) => figure.name === "level");

    expect(level?.value).toBe("–");
    expect(level?.hint).toBe(en.measure.audioUnknown.encrypted);
  });
});
