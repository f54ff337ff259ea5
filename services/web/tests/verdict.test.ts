// The verdict as sentences, in both languages.
import { describe, expect, it } from "vitest";
import { formats } from "../src/lib/format";
import { callWords } from "../src/lib/i18n/call";
import type { Finding } from "../src/lib/types";
import { grounds, sentence } from "../src/lib/verdict";

const english = [callWords.en.verdict, formats("en")] as const;
const italian = [callWords.it.verdict, formats("it")] as const;
const loss: Finding = {
  direction: "caller",
  problem: "loss",
  culprit: "callee_access",
  r_lost: 12.34,
  evidence: [{ measure: "loss_after_us_percent", value: 3.42, limit: 1 }],
};
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("a finding", () => {
  it("names whose voice suffers and where, in both languages", () => {
    expect(sentence(loss, ...english)).toBe("3.4% of what the caller says is lost between this system and the callee.");
    expect(plain(sentence(loss, ...italian))).toBe(
      "Si perde il 3,4% di quello che dice il chiamante, tra questo sistema e il chiamato.",
    );
  });

  it("tells from where on it is noticed, and what it costs", () => {
    expect(grounds(loss, ...english)).toBe("noticeable from 1.0%; costs 12.3 points of R");
  });

  it("has its value in the unit of its measure", () => {
    const clock: Finding = {
      direction: "callee",
      problem: "clock",
      culprit: "callee_device",
      r_lost: null,
      evidence: [{ measure: "drift_ppm", value: -412.4, limit: null }],
    };

    expect(plain(sentence(clock, ...english))).toContain("off by -412 ppm");
    expect(grounds(clock, ...english)).toBe("");
  });

  it("sends the reader to the NAT only where packets were seen from elsewhere", () => {
    const missing: Finding = { direction: "callee", problem: "missing", culprit: "unknown", r_lost: null, evidence: [] };

    expect(sentence(missing, ...english)).toContain("firewall");
    expect(sentence({ ...missing, culprit: "callee_access" }, ...english)).toContain("NAT between this system and the callee");
  });
});
