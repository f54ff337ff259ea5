// The verdict on a call as sentences, composed from its data in the language of the page.
import type { Formats } from "./format";
import type { CallWords } from "./i18n/call";
import type { Evidence, Finding } from "./types";

/** A finding as a sentence: what is wrong, with whose voice, and where it comes from. */
export function sentence(finding: Finding, words: CallWords["verdict"], f: Formats): string {
  const who = words.party[finding.direction];
  const where = words.where[finding.culprit];
  if (finding.problem === "missing") {
    return finding.culprit === "unknown" ? words.missing(who) : words.missingBehindNat(who, where);
  }
  const first = finding.evidence[0];
  return words.problem[finding.problem](who, where, first === undefined ? "" : measured(first.measure, first.value, f));
}

/** What the sentence rests on, in few words; empty when it says all there is. */
export function grounds(finding: Finding, words: CallWords["verdict"], f: Formats): string {
  const limits = finding.evidence.flatMap(({ measure, limit }: Evidence) =>
    limit === null ? [] : [words.limit(measured(measure, limit, f))],
  );
  const costs = finding.r_lost === null ? [] : [words.cost(f.factor(finding.r_lost))];
  return [...limits, ...costs].join("; ");
}

/** A number with the unit that the name of its measure ends with. */
function measured(measure: string, value: number, f: Formats): string {
  if (measure.endsWith("_percent")) return f.percent(value);
  if (measure.endsWith("_ms")) return f.milliseconds(value);
  if (measure.endsWith("_ppm")) return f.ppm(value);
  if (measure.endsWith("_s")) return f.seconds(value);
  return f.factor(value);
}
