// Is the system up: from the heartbeats of its services, of which some may never have beaten.
import type { Service } from "./types";

const NEEDED = ["sip-proxy", "rtp-analyzer"]; // the api is up when it answers

export interface SystemState {
  readonly state: "servicesUp" | "servicesDown" | "servicesUnknown";
  readonly up: number;
  readonly all: number;
  readonly down: readonly string[];
}

/** A service is up when one of its instances is; null means that nobody could be asked. */
export function systemState(services: readonly Service[] | null): SystemState {
  if (services === null) return { state: "servicesUnknown", up: 0, all: 0, down: [] };
  const names = [...new Set([...NEEDED, ...services.map((one) => one.service)])];
  const alive = new Set(services.filter((one) => one.alive).map((one) => one.service));
  const down = names.filter((name) => !alive.has(name));
  return {
    state: down.length === 0 ? "servicesUp" : "servicesDown",
    up: names.length - down.length,
    all: names.length,
    down,
  };
}
