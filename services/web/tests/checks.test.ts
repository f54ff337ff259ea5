// Which checks turn green, from what is known of the account.
import { describe, expect, it } from "vitest";
import { checksSeen } from "../src/lib/checks";
import type { Call, Registration } from "../src/lib/types";

const registration = { aor: "alice@example.com", state: "registered" } as Registration;

function call(extension: string, received: number): Call {
  return {
    caller: "sip:alice@example.com",
    extension,
    directions: { caller: { packets_received: received, codec: received ? "PCMA" : null }, callee: null },
  } as unknown as Call;
}

describe("checks", () => {
  it("sees a registration, of this account only, while it lasts", () => {
    expect([...checksSeen("alice", [registration], [])]).toEqual(["registered"]);
    expect([...checksSeen("ali", [registration], [])]).toEqual([]);
    expect([...checksSeen("alice", [{ ...registration, state: "expired" }], [])]).toEqual([]);
  });

  it("sees an echo only when the caller was heard", () => {
    expect([...checksSeen("alice", [], [call("999", 50)])]).toEqual(["echo", "codec"]);
    expect([...checksSeen("alice", [], [call("999", 0)])]).toEqual([]);
    expect(checksSeen("bob", [], [call("999", 50)]).size).toBe(0);
  });

  it("sees a quality that was spoken", () => {
    expect(checksSeen("alice", [], [call("996", 500)])).toContain("spoken");
  });
});
