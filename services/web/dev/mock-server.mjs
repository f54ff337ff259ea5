// A stand-in for the api while working on the pages: made-up calls that move, and the strict Content-Security-Policy.
//
//     npm run build && npm run mock -- --calls 2000 --port 8090
//
// Sign in as admin / admin. --calls 0 shows an empty system; --hostile gives parties names that try to break the page;
// --drop 20 cuts the live connection every 20 s. Nothing of this is part of what is shipped.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    calls: { type: "string", default: "6" },
    port: { type: "string", default: "8090" },
    drop: { type: "string" },
    hostile: { type: "boolean", default: false },
    "no-devices": { type: "boolean", default: false },
  },
});

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const CSP = "default-src 'self'; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const HOSTILE = [
  "<script>alert(1)</script>@evil.example",
  `${"A".repeat(500)}@long.example`,
  "\u202Eevil-rtl\u202C@bidi.example",
  "مرحبا@arabic.example",
  "line\nbreak\ttab@white.example",
  "\"><img src=x onerror=alert(1)>@img.example",
];
const USERS = ["gateway-monitor", "gateway-test", "welcome-gw", "reception", "0574123456", "warehouse", "office-2"];
const SCENES = [
  { codec: "PCMA", loss: 0, jitter: 0.4, ie: 0, bpl: 25.1 },
  { codec: "PCMA", loss: 0.6, jitter: 4, ie: 0, bpl: 25.1 },
  { codec: "G729", loss: 0, jitter: 1.2, ie: 11, bpl: 19 },
  { codec: "PCMA", loss: 5, jitter: 7, ie: 0, bpl: 25.1 },
  { codec: "G729", loss: 4, jitter: 38, ie: 11, bpl: 19 },
  { codec: "PCMU", loss: 19, jitter: 55, ie: 0, bpl: 25.1 },
];

let seed = 7;
const random = () => ((seed = (seed * 48271) % 2147483647) / 2147483647);
const pick = (list) => list[Math.floor(random() * list.length)];
const iso = (ms) => new Date(ms).toISOString();
const RO = 94.77;
const SIMULTANEOUS = 1.41;

function mosOf(r) {
  return r <= 0 ? 1 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

function lossCost(scene, loss) {
  return ((95 - scene.ie) * loss) / (loss + scene.bpl);
}

function party(index) {
  return options.hostile ? HOSTILE[index % HOSTILE.length] : `${pick(USERS)}@192.168.1.10`;
}

function makeCall(index, startedAt, state) {
  const scenes = { caller: SCENES[index % 6 === 3 ? 3 : index % 3 === 0 ? 0 : Math.floor(random() * 6)], callee: SCENES[index % 4 === 0 ? 1 : 0] };
  const refused = state === "ended" && index % 5 === 4;
  const phase = state === "ended" ? "ended" : index % 9 === 5 ? "ringing" : "answered";
  const answered = refused || phase === "ringing" ? null : startedAt + 2100;
  const ended = state === "ended" ? startedAt + 40_000 + random() * 200_000 : null;
  return {
    scenes,
    packets: { caller: answered ? 4000 : 0, callee: answered ? 4000 : 0 },
    call: {
      call_id: `${index}/a84b4c76e66710@pc33.atlanta.example`,
      state,
      phase,
      caller: party(index),
      callee: index % 3 ? party(index + 1) : `${index % 2 ? 999 : 998}@192.168.1.10`,
      started_at: iso(startedAt),
      answered_at: answered && iso(answered),
      ended_at: ended && iso(ended),
      duration_s: ended && answered ? (ended - answered) / 1000 : null,
      codec: answered ? scenes.caller.codec : null,
      final_code: refused ? 486 : answered ? 200 : null,
      hangup_by: refused ? "callee" : ended ? pick(["caller", "callee", null]) : null,
      reason: refused ? "Busy Here" : null,
      extension: null,
      injected: null,
      flags: index % 7 === 6 && answered ? ["no_media"] : index % 11 === 3 && answered ? ["monitor_impaired"] : [],
      mos: null,
      directions: { caller: unmeasured(), callee: unmeasured() },
    },
  };
}

function unmeasured() {
  const names =
    "mos mos_min r_factor packets_expected packets_received packets_lost loss_percent discard_percent duplicates reordered jitter_ms jitter_max_ms rtt_ms delay_ms delay_source burst_r codec ptime_ms ssrc audio";
  return Object.fromEntries(names.split(" ").map((name) => [name, null]));
}

function measure(entry) {
  if (entry.call.answered_at === null) return;
  for (const side of ["caller", "callee"]) {
    if (side === "callee" && entry.call.flags.includes("no_media")) continue;
    const scene = entry.scenes[side];
    entry.packets[side] += 50;
    const expected = entry.packets[side];
    const lost = Math.round((expected * scene.loss) / 100);
    const loss = (100 * lost) / expected;
    const r = RO - SIMULTANEOUS - scene.ie - lossCost(scene, loss) - 0.15;
    const jitter = scene.jitter * (0.8 + 0.4 * random());
    entry.call.directions[side] = {
      ...unmeasured(),
      mos: mosOf(r),
      mos_min: mosOf(r - 4),
      r_factor: r,
      packets_expected: expected,
      packets_received: expected - lost,
      packets_lost: lost,
      loss_percent: loss,
      duplicates: 0,
      reordered: scene.loss > 3 ? 3 : 0,
      jitter_ms: jitter,
      jitter_max_ms: scene.jitter * 1.7,
      codec: scene.codec,
      ptime_ms: 20,
      ssrc: 0x3f2a10c4 + expected,
      audio: {
        source: "g711",
        unknown: null,
        level_dbov: -29.4,
        active_level_dbov: -25.2,
        peak_dbov: -8.1,
        silence_percent: 58.3,
        clipping_percent: 0,
        dead_air_s: 0.4,
        judged_s: 1,
        judged_percent: 20,
      },
    };
  }
  const values = ["caller", "callee"].map((side) => entry.call.directions[side].mos).filter((mos) => mos !== null);
  entry.call.mos = values.length ? Math.min(...values) : null;
  entry.call = { ...entry.call, directions: { ...entry.call.directions } };
}

const now = Date.now();
const live = Array.from({ length: Number(options.calls) }, (_, i) => makeCall(i, now - 2000 - i * 7300 * (random() + 0.3), "live"));
const ended = Number(options.calls) === 0 ? [] : Array.from({ length: 120 }, (_, i) => makeCall(10_000 + i, now - 300_000 - i * 61_000, "ended"));
for (const entry of [...live, ...ended]) measure(entry);
const byId = new Map([...live, ...ended].map((entry) => [entry.call.call_id, entry]));

const registrations = options["no-devices"]
  ? []
  : USERS.slice(0, 5).map((user, i) => ({
      aor: options.hostile ? HOSTILE[i] : `${user}@192.168.1.10`,
      contact: `sip:${user}@192.168.1.${20 + i}:5062;transport=udp;ob`,
      source: `192.168.1.${20 + i}:5062`,
      transport: i === 3 ? "tls" : "udp",
      user_agent: [ "Tiesse Imola 3.4", "Asterisk PBX 18.9", null, "PJSUA v2.15", "Yealink SIP-T46U 108.86.0.45" ][i],
      state: i === 4 ? "expired" : "registered",
      registered_at: iso(now - 3_600_000 * (i + 1)),
      refreshed_at: iso(now - 60_000),
      expires_at: iso(now + 60_000 * (i + 1)),
    }));

function sliceOf(entry, side, at, length, second) {
  const scene = entry.scenes[side];
  const loss = scene.loss === 0 ? 0 : Math.max(0, scene.loss * (1 + 0.8 * Math.sin(second / 6)) + (random() - 0.5) * 2);
  const r = RO - SIMULTANEOUS - scene.ie - lossCost(scene, loss) - 0.15;
  return {
    call_id: entry.call.call_id, direction: side, ssrc: 1, started_at: iso(at), duration_s: length, mos: mosOf(r), r_factor: r,
    packets_expected: 50 * length, packets_received: 50 * length, packets_lost: 0, loss_percent: loss,
    jitter_ms: scene.jitter * (0.7 + 0.6 * random()), jitter_max_ms: scene.jitter * 2, discard_percent: 0, burst_r: null, pdv_p50_ms: scene.jitter, pdv_p95_ms: scene.jitter * 3, pdv_p99_ms: scene.jitter * 4, impaired: entry.call.flags.includes("monitor_impaired") && second % 40 < 3,
  };
}

function slicesOf(entry) {
  const { answered_at, ended_at, state, flags } = entry.call;
  if (answered_at === null) return [];
  const from = Math.floor(Date.parse(answered_at) / 1000) * 1000;
  const to = state === "live" ? Date.now() : Date.parse(ended_at);
  const step = state === "live" && to - from < 300_000 ? 1 : 5;
  const items = [];
  for (let at = from; at + step * 1000 <= to; at += step * 1000) {
    for (const side of ["caller", "callee"]) {
      if (side === "callee" && flags.includes("no_media")) continue;
      items.push(sliceOf(entry, side, at, step, (at - from) / 1000));
    }
  }
  return items;
}

const NOT_SIMULATED = { delay: null, remote: null, burst_gap: null, loss_runs: null, drift_ppm: null, delta_max_ms: null, events_received: 0, comfort_noise_received: 0, timestamp_steps: 0, audio: null };

function streamsOf(entry) {
  return ["caller", "callee"].flatMap((side) => {
    const d = entry.call.directions[side];
    const scene = entry.scenes[side];
    if (d.mos === null) return [];
    const waterfall = { ro: RO, simultaneous: SIMULTANEOUS, delay: 0.15, codec: scene.ie, loss: lossCost(scene, d.loss_percent), burst: 0, discard: 0, r: d.r_factor, ie: scene.ie, bpl: scene.bpl };
    const quality = { scale: "nb", kind: "LQ", grounding: "standard", assumption: scene.codec === "G729" ? "G.729A with VAD" : "packet loss concealment as in G.711 Appendix I", mos: d.mos, r_factor: d.r_factor, waterfall };
    return [{ direction: side, ssrc: d.ssrc, codec: d.codec, payload_type: 8, clock_rate: 8000, ptime_ms: 20, source: "192.168.1.20:4000", ...NOT_SIMULATED, started_at: entry.call.answered_at, ended_at: null, mos_min: d.mos_min, total: { packets_expected: d.packets_expected, packets_discarded: null, discard_percent: null, burst_r: null, pdv_p50_ms: null, pdv_p95_ms: null, pdv_p99_ms: null, scored_buffer: null, buffers: null, quality, conversational: null } }];
  });
}

function messagesOf(entry) {
  const { call } = entry;
  const start = Date.parse(call.started_at);
  const a = "192.168.1.20:5062";
  const b = "192.168.1.21:5062";
  const message = (ms, direction, remote, method, status = null, phrase = null) => ({
    at: iso(start + ms), direction, transport: "udp", local: "192.168.1.10:5060", remote, method, cseq: 1, status, reason_phrase: phrase,
    text: `${status ? `SIP/2.0 ${status} ${phrase}` : `${method} sip:${call.callee} SIP/2.0`}\r\nVia: SIP/2.0/UDP ${remote};branch=z9hG4bK776asdhds;rport\r\nFrom: <sip:${call.caller}>;tag=1928301774\r\nTo: <sip:${call.callee}>\r\nCall-ID: ${call.call_id}\r\nCSeq: 1 ${method}\r\nAuthorization: Digest username="gateway-test", nonce="***", response="***"\r\nContent-Length: 0\r\n\r\n`,
  });
  const list = [
    message(0, "received", a, "INVITE"), message(1, "sent", a, "INVITE", 407, "Proxy Authentication Required"), message(14, "received", a, "ACK"),
    message(31, "received", a, "INVITE"), message(32, "sent", a, "INVITE", 100, "Trying"), message(38, "sent", b, "INVITE"),
    message(61, "received", b, "INVITE", 180, "Ringing"), message(62, "sent", a, "INVITE", 180, "Ringing"),
  ];
  if (call.final_code === 486) list.push(message(2200, "received", b, "INVITE", 486, "Busy Here"), message(2201, "sent", a, "INVITE", 486, "Busy Here"));
  if (call.answered_at) list.push(message(2100, "received", b, "INVITE", 200, "OK"), message(2101, "sent", a, "INVITE", 200, "OK"), message(2130, "received", a, "ACK"), message(2131, "sent", b, "ACK"));
  if (call.ended_at && call.answered_at) {
    const end = Date.parse(call.ended_at) - start;
    list.push(message(end, "received", a, "BYE"), message(end + 1, "sent", b, "BYE"), message(end + 20, "received", b, "BYE", 200, "OK"), message(end + 21, "sent", a, "BYE", 200, "OK"));
  }
  return list;
}

// --- HTTP
function json(response, status, body) {
  response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}

const problem = (response, status, title) => json(response, status, { type: "about:blank", title, status, detail: title });
const session = { username: "admin", role: "admin" };
const SETTINGS = {
  "/sessions": [{ id: "1", created_at: iso(Date.now()), expires_at: iso(Date.now()), address: "192.0.2.7", user_agent: "Firefox/140.0 Linux", current: true }],
  "/users": [{ ...session, disabled: false, created_at: iso(Date.now()), signed_in_at: iso(Date.now()) }],
  "/tokens": [{ id: "1", name: "prometheus", hint: "vqm_aB3d", username: "admin", scopes: ["metrics"], created_at: iso(Date.now()), expires_at: null, last_used_at: null }],
  "/audit": [{ at: iso(Date.now()), action: "signed_in", actor: "admin", token: null, address: "192.0.2.7", target: null, detail: null }],
};

async function api(request, response, url) {
  const path = url.pathname.slice("/api/v1".length);
  const signedIn = (request.headers.cookie ?? "").includes("vqm_session=yes");
  if (path === "/session" && request.method === "POST") {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (JSON.parse(body).password !== "admin") return problem(response, 401, "Wrong user name or password");
    response.setHeader("Set-Cookie", "vqm_session=yes; HttpOnly; SameSite=Strict; Path=/");
    return json(response, 200, session);
  }
  if (!signedIn) return problem(response, 401, "Sign in first");
  if (path === "/session" && request.method === "DELETE") {
    response.setHeader("Set-Cookie", "vqm_session=; Max-Age=0; Path=/");
    return json(response, 204);
  }
  if (path === "/session") return json(response, 200, session);
  if (request.method === "GET" && path in SETTINGS) return json(response, 200, { items: SETTINGS[path], next_cursor: null });
  if (path === "/services") {
    return json(response, 200, { items: ["sip-proxy", "rtp-analyzer", "api"].map((service) => ({ service, instance: `${service}-1`, alive: true, at: iso(Date.now()), counters: {} })) });
  }
  if (path === "/calls") {
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const items = ended.slice(start, start + limit).map((entry) => entry.call);
    return json(response, 200, { items, next_cursor: start + limit < ended.length ? String(start + limit) : null });
  }
  const match = /^\/calls\/([^/]+)(\/slices|\/messages)?$/.exec(path);
  const entry = match && byId.get(decodeURIComponent(match[1]));
  if (!entry) return problem(response, 404, "No such call");
  if (match[2] === "/slices") return json(response, 200, { items: slicesOf(entry) });
  if (match[2] === "/messages") return json(response, 200, { items: messagesOf(entry) });
  return json(response, 200, { ...entry.call, streams: streamsOf(entry), verdict: null });
}

async function file(response, pathname) {
  const name = normalize(pathname === "/" ? "/index.html" : pathname);
  try {
    const body = await readFile(join(DIST, name));
    response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", "Content-Security-Policy": CSP });
    response.end(body);
  } catch {
    problem(response, 404, "Not found");
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  void (url.pathname.startsWith("/api/") ? api(request, response, url) : file(response, url.pathname));
});

// --- WebSocket, server to browser only: unmasked text frames (RFC 6455 5.2)
const sockets = new Set();

function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : body.length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  if (head.length === 4) head.writeUInt32BE((0x81 << 24 | 126 << 16 | body.length) >>> 0);
  if (head.length === 10) {
    head.writeUInt16BE(0x817f);
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, body]);
}

let seq = 1;
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const calls = [...live, ...ended.slice(0, 8)].map((entry) => entry.call);
  socket.write(frame(JSON.stringify({ type: "snapshot", at: iso(Date.now()), seq, calls, registrations })));
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket)).on("error", () => sockets.delete(socket)).resume();
  if (options.drop) setTimeout(() => socket.destroy(), Number(options.drop) * 1000);
});

let tick = 0;
setInterval(() => {
  tick += 1;
  const part = live.filter((_, index) => index % 4 === tick % 4); // each call once a second, as four deltas
  part.forEach(measure);
  const slices = part
    .filter((entry) => entry.call.answered_at)
    .flatMap((entry) => ["caller", "callee"].filter((side) => entry.call.directions[side].mos !== null).map((side) => sliceOf(entry, side, Math.floor(Date.now() / 1000) * 1000 - 1000, 1, tick / 4)));
  const text = frame(JSON.stringify({ type: "delta", seq: ++seq, calls: part.map((entry) => entry.call), removed: [], registrations: [], slices }));
  for (const socket of sockets) socket.write(text);
}, 250);
setInterval(() => {
  for (const socket of sockets) socket.write(frame(JSON.stringify({ type: "ping", at: iso(Date.now()) })));
}, 15_000);

server.listen(Number(options.port), "127.0.0.1", () => console.log(`http://127.0.0.1:${options.port}/ (admin / admin)`));
