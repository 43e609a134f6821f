/**
 * The soak of the one port: bidi calls over HTTP/2, WebSocket exchanges and HTTP/1.1 posts at the
 * same time against a server in another process. An exchange without progress for 10 s has hung.
 * Exit 0 only if nothing hung, nothing failed and the server let every connection go.
 *
 *     bun bench/listener/soak.ts [--calls 200000] [--binary path/of/compiled/echo-server]
 */
import { parseArgs } from "node:util";
import { startServer } from "./server-process.ts";
import { bidiHttp2, type Ended, unaryHttp1 } from "./raw-clients.ts";

const HANG_MS = 10_000;
/** So many hung exchanges need no more evidence. */
const ENOUGH_HUNG = 1000;
const REPORT_MS = 10_000;
const MESSAGES = 4;
const BIDI_CONNECTIONS = 4;
const BIDI_IN_FLIGHT = 24;
const WEB_SOCKETS = 8;
const POSTS = 8;
/** Connections are renewed, so that their beginning and end are soaked too. */
const CALLS_PER_CONNECTION = 2000;

const { values } = parseArgs({
  options: { calls: { type: "string", default: "200000" }, binary: { type: "string" } },
});
const wanted = Number(values.calls);
const server = await startServer("listen", values.binary);
const body = Buffer.alloc(200, "soak");

class Lane {
  readonly name: string;
  ok = 0;
  failed = 0;
  hung = 0;
  begun = 0;
  constructor(name: string) {
    this.name = name;
  }
  /** One more exchange may begin. */
  readonly more = (): boolean => {
    if (this.begun >= wanted) return false;
    this.begun += 1;
    return true;
  };
  get over(): boolean {
    return this.ok + this.failed + this.hung >= wanted;
  }
}

const lanes = { bidi: new Lane("bidi"), webSocket: new Lane("websocket"), post: new Lane("post") };
const watched = new Set<() => void>();

/** Runs connections one after the other; each is watched for progress as long as it has work. */
function keepRunning(
  lane: Lane,
  begin: (more: () => boolean, ended: Ended, progress: () => void) => { destroy(): void },
  inFlight: number,
): void {
  const share = Math.min(CALLS_PER_CONNECTION, wanted - lane.begun);
  if (share <= 0) return;
  const width = Math.min(inFlight, share);
  for (let i = 0; i < width; i++) lane.more();
  let begun = width;
  let ended = 0;
  let last = performance.now();
  const finish = (): void => {
    watched.delete(watch);
    client.destroy();
    keepRunning(lane, begin, inFlight);
  };
  const watch = (): void => {
    if (performance.now() - last < HANG_MS) return;
    lane.hung += begun - ended;
    console.error(`${lane.name}: ${begun - ended} exchanges hung`);
    finish();
  };
  const client = begin(
    () => {
      if (begun >= share || !lane.more()) return false;
      begun += 1;
      return true;
    },
    (outcome) => {
      last = performance.now();
      ended += 1;
      if (outcome === "ok") lane.ok += 1;
      else lane.failed += 1;
      // The client's own turn is over before its connection is.
      if (ended === begun) setImmediate(() => ended === begun && watched.has(watch) && finish());
    },
    () => {
      last = performance.now();
    },
  );
  watched.add(watch);
}

function webSocket(more: () => boolean, ended: Ended): { destroy(): void } {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/link`);
  socket.binaryType = "arraybuffer";
  let left = MESSAGES;
  socket.onopen = () => socket.send(body);
  socket.onmessage = (event) => {
    left -= 1;
    if (left > 0) {
      socket.send(body);
      return;
    }
    ended((event.data as ArrayBuffer).byteLength === body.length ? "ok" : "failed");
    left = MESSAGES;
    if (more()) socket.send(body);
  };
  return { destroy: () => socket.close() };
}

const started = performance.now();
for (let i = 0; i < BIDI_CONNECTIONS; i++) {
  keepRunning(
    lanes.bidi,
    (more, ended, progress) =>
      bidiHttp2(server.port, BIDI_IN_FLIGHT, MESSAGES, body, more, ended, progress),
    BIDI_IN_FLIGHT,
  );
}
for (let i = 0; i < WEB_SOCKETS; i++) keepRunning(lanes.webSocket, webSocket, 1);
for (let i = 0; i < POSTS; i++) {
  keepRunning(lanes.post, (more, ended) => unaryHttp1(server.port, body, more, ended), 1);
}

const all = Object.values(lanes);
const line = (): string =>
  all.map((l) => `${l.name} ok=${l.ok} failed=${l.failed} hung=${l.hung}`).join("  ");
let reported = started;
while (!all.every((lane) => lane.over) && all.every((lane) => lane.hung < ENOUGH_HUNG)) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const watch of [...watched]) watch();
  if (performance.now() - reported > REPORT_MS) {
    reported = performance.now();
    console.log(`${((reported - started) / 1000).toFixed(0)} s  ${line()}`);
  }
}
const seconds = (performance.now() - started) / 1000;
// The connection of this very question is one.
let left = await server.usage();
for (let i = 0; i < 50 && left.connections > 1; i++) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  left = await server.usage();
}
server.stop();
const rssMib = Math.round(left.rssBytes / 2 ** 20);
console.log(`${seconds.toFixed(0)} s  ${line()}`);
console.log(
  `server: ${left.connections - 1} connections left, ${rssMib} MiB, ${left.cpuMicros / 1e6} CPU s`,
);
const clean = all.every((lane) => lane.failed === 0 && lane.hung === 0);
process.exit(clean && left.connections <= 1 ? 0 : 1);
