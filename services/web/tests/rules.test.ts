// The small decisions: bands, rows in sight, addresses, languages, services, waterfall and ladder.
import { describe, expect, it } from "vitest";
import { dictionaries, localeFor, other, preferred } from "../src/lib/i18n";
import { rungs } from "../src/lib/ladder";
import { bandOf, countBands } from "../src/lib/quality";
import { callRoute, parseRoute } from "../src/lib/route";
import { visibleRange } from "../src/lib/rows";
import { systemState } from "../src/lib/services";
import { steps } from "../src/lib/waterfall";
import { sipMessage } from "./builders";

describe("quality bands", () => {
  it("begin at the categories of G.109", () => {
    expect([4.41, 4.03, 4.02, 3.6, 3.59, 3.1, 3.09, 1].map(bandOf)).toEqual([
      "good", "good", "fair", "fair", "poor", "poor", "bad", "bad",
    ]);
  });

  it("agree with the two decimals shown", () => {
    expect(bandOf(4.0251)).toBe("good");
  });

  it("count only what is known", () => {
    expect(bandOf(null)).toBeNull();
    expect(countBands([4.41, null, 4.2, 2])).toEqual({ good: 2, fair: 0, poor: 0, bad: 1 });
  });
});

describe("rows in sight", () => {
  it("are few, however long the list", () => {
    expect(visibleRange(0, 500, 50, 2000)).toEqual({ first: 0, end: 18 });
    expect(visibleRange(50_000, 50_500, 50, 2000)).toEqual({ first: 992, end: 1018 });
  });

  it("end with the list", () => {
    expect(visibleRange(0, 500, 50, 3)).toEqual({ first: 0, end: 3 });
    expect(visibleRange(9000, 9500, 50, 3)).toEqual({ first: 0, end: 0 });
  });

  it("are none when the list is out of the window", () => {
    expect(visibleRange(0, -200, 50, 2000)).toEqual({ first: 0, end: 0 });
  });
});

describe("addresses", () => {
  it("carry any Call-ID there and back", () => {
    const callId = "a/84b4 c76e%66710@pc33?x=#y";

    expect(parseRoute(callRoute(callId))).toEqual({ page: "call", callId });
  });

  it("lead home when they mean nothing", () => {
    for (const hash of ["", "#", "#/", "#/nothing", "#/calls/%E0%A4%A"]) {
      expect(parseRoute(hash)).toEqual({ page: "live" });
    }
    expect(parseRoute("#/captures/../calls")).toEqual({ page: "live" });
    expect(parseRoute("#/captures")).toEqual({ page: "captures", captureId: null });
    expect(parseRoute("#/captures/0a1b")).toEqual({ page: "captures", captureId: "0a1b" });
    expect(parseRoute("#/devices")).toEqual({ page: "devices" });
  });
});

describe("languages", () => {
  it("are the first of the browser's that we speak", () => {
    expect(preferred(["de-DE", "it-CH", "en"])).toBe("it");
    expect(preferred(["ja"])).toBe("en");
  });

  it("keep the browser's own variant for numbers and dates", () => {
    expect(localeFor("en", ["it-IT", "en-GB"])).toBe("en-GB");
    expect(localeFor("it", ["en-GB"])).toBe("it");
    expect(other(other("it"))).toBe("it");
  });

  it("say everything in each", () => {
    const words = (entry: unknown): string[] =>
      typeof entry === "object" && entry !== null
        ? Object.entries(entry).flatMap(([key, value]) => words(value).map((path) => `${key}.${path}`))
        : [typeof entry === "string" && entry.trim() === "" ? "is empty" : typeof entry];

    expect(words(dictionaries.it)).toEqual(words(dictionaries.en));
    expect(words(dictionaries.it).filter((path) => path.endsWith("is empty"))).toEqual([]);
  });
});

describe("the system", () => {
  const service = (name: string, alive: boolean) => ({ service: name, instance: `${name}-1`, alive });

  it("is up when every service has a living instance", () => {
    const services = [service("sip-proxy", true), service("rtp-analyzer", false), service("rtp-analyzer", true)];

    expect(systemState(services)).toEqual({ state: "servicesUp", up: 2, all: 2, down: [] });
  });

  it("misses a service that never said anything", () => {
    expect(systemState([service("sip-proxy", true)]).down).toEqual(["rtp-analyzer"]);
  });

  it("is not known when nobody could be asked", () => {
    expect(systemState(null).state).toBe("servicesUnknown");
  });
});

describe("the waterfall", () => {
  const waterfall = {
    ro: 94.8, simultaneous: 1.4, delay: 0, codec: 0, loss: 16, burst: 0, discard: 0, r: 77.4, ie: 0, bpl: 25.1,
  };

  it("fits into its width on every scale", () => {
    const fullband = { ...waterfall, ro: 148, simultaneous: 0, delay: 0, codec: 10, loss: 0, r: 138 };

    expect(steps(fullband)[0]).toMatchObject({ name: "ro", from: 0, to: 1 });
    expect(steps(fullband).at(-1)?.to).toBeCloseTo(138 / 148);
  });

  it("falls from the ideal line to the result without a gap", () => {
    const list = steps(waterfall);

    expect(list.map((step) => step.name)).toEqual(["ro", "simultaneous", "codec", "loss", "r"]);
    expect(list[3]?.to).toBeCloseTo(list[2]?.from ?? 0);
    expect(list[3]?.from).toBeCloseTo(list[4]?.to ?? 0);
  });

  it("shows what is taken away as negative, and names causes that cost nothing only when people ask for them", () => {
    expect(steps(waterfall).find((step) => step.name === "loss")?.value).toBe(-16);
    expect(steps({ ...waterfall, burst: 2 }).map((step) => step.name)).toContain("burst");
  });

  it("stays on its scale when the result is below nothing", () => {
    const last = steps({ ...waterfall, loss: 120, r: -26.6 }).at(-1);

    expect(last).toMatchObject({ value: -26.6, to: 0 });
  });
});

describe("the ladder", () => {
  const far = "192.0.2.2:5060";

  it("has the caller on the left and the callee on the right", () => {
    const list = rungs([
      sipMessage(),
      sipMessage({ remote: far, direction: "sent" }),
      sipMessage({ remote: far, status: 200 }),
      sipMessage({ direction: "sent", status: 200 }),
    ]);

    expect(list.map((rung) => `${rung.side} ${rung.points}`)).toEqual([
      "caller right", "callee right", "callee left", "caller left",
    ]);
  });

  it("counts the time from the first message", () => {
    const list = rungs([sipMessage(), sipMessage({ at: "2026-11-23T09:00:00.031Z" })]);

    expect(list[1]?.offsetS).toBeCloseTo(0.031);
  });

  it("is empty without messages", () => {
    expect(rungs([])).toEqual([]);
  });
});
