// Which of the checks of the configuration help are seen to hold, from what is known of the account's calls.
import type { Call, ConfigHelp, Registration } from "./types";

export type Check = ConfigHelp["checks"][number]["id"];

/** What an account has been seen to do, of which the state tells. */
export function checksSeen(
  account: string,
  registrations: Iterable<Registration>,
  calls: Iterable<Call>,
): ReadonlySet<Check> {
  const seen = new Set<Check>();
  for (const { aor, state } of registrations) {
    if (state === "registered" && user(aor) === account) seen.add("registered");
  }
  for (const call of calls) {
    if (call.caller === null || user(call.caller) !== account) continue;
    const heard = (call.directions.caller?.packets_received ?? 0) > 0;
    if (call.extension === "999" && heard) seen.add("echo");
    if (call.extension === "996" && heard) seen.add("spoken");
    if (call.directions.caller?.codec) seen.add("codec");
  }
  return seen;
}

/** The user of an address of record, which may be written with its scheme. */
function user(aor: string): string {
  return aor.replace(/^sips?:/, "").split("@", 1)[0] ?? "";
}
