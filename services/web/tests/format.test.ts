// Numbers, times and names as people read them.
import { describe, expect, it } from "vitest";
import { duration, formats, splitAor, ssrc } from "../src/lib/format";
import { talkSeconds, toMs } from "../src/lib/time";
import { AT_MS, call, ended } from "./builders";

const en = formats("en");
const it_ = formats("it");

describe("numbers", () => {
  it("follow the locale", () => {
    expect([en.mos(4.4092), it_.mos(4.4092)]).toEqual(["4.41", "4,41"]);
    expect([en.percent(5), it_.percent(5)]).toEqual(["5.0%", "5,0%"]);
    expect([en.count(12345), it_.count(12345)]).toEqual(["12,345", "12.345"]);
    expect(it_.milliseconds(0.44)).toBe("0,4\u00a0ms");
    expect(it_.level(-26.04)).toBe("-26,0\u00a0dBov");
  });

  it("show what is not known as a dash, never as zero", () => {
    const shown = [en.mos(null), en.percent(null), en.milliseconds(null), en.count(null), en.time(null), ssrc(null)];

    expect(new Set([...shown, duration(null)])).toEqual(new Set(["–"]));
  });

  it("do not round a real loss to nothing", () => {
    expect([en.percent(0), en.percent(0.01), en.percent(0.05)]).toEqual(["0.0%", "<0.1%", "0.1%"]);
  });
});

describe("times", () => {
  it("count hours only when there are any", () => {
    expect([duration(5), duration(125.9), duration(3725)]).toEqual(["0:05", "2:05", "1:02:05"]);
  });

  it("after another moment carry a sign", () => {
    expect([en.offset(0.0124), it_.offset(2.1)]).toEqual(["+0.012\u00a0s", "+2,100\u00a0s"]);
  });

  it("come as RFC 3339 or as seconds", () => {
    expect(toMs("2026-11-23T09:00:00Z")).toBe(toMs(AT_MS / 1000));
  });

  it("of a live call go on, of an ended one stand", () => {
    expect(talkSeconds(call("a"), AT_MS + 7000)).toBe(7);
    expect(talkSeconds(ended("b"), AT_MS + 7000)).toBe(10);
    expect(talkSeconds(call("c", { answered_at: null }), AT_MS)).toBeNull();
  });

  it("never run backwards when the clocks disagree", () => {
    expect(talkSeconds(call("a"), AT_MS - 900)).toBe(0);
  });
});

describe("names", () => {
  it("are split at the last @", () => {
    expect(splitAor("a@b@example.org")).toEqual({ user: "a@b", domain: "@example.org" });
  });

  it("may be any text", () => {
    expect(splitAor("<script>")).toEqual({ user: "<script>", domain: "" });
    expect(splitAor("@x")).toEqual({ user: "@x", domain: "" });
  });

  it("of streams are written as Wireshark does", () => {
    expect(ssrc(0xbeef)).toBe("0x0000BEEF");
  });
});
