// A no-op unary call through the edge against a bare echo on the same listener, per protocol.
//   bun bench/edge-noop.ts [seconds per run] [rounds]
// Server and load share this machine, so what counts is the ratio of the server's CPU time per call.
// Each handler has a process of its own; rounds are interleaved; medians are shown.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ANONYMOUS, EMPTY_MAP, type Reply } from "../src/domain/invocation.ts";
import { DEFAULT_LIMITS } from "../src/domain/limits.ts";
import { makeApiHandler } from "../src/edge/api-handler.ts";
import { InvokeRequestSchema } from "../src/gen/troupe/v1/actor_pb.ts";
import type { HttpHandler } from "../src/node/ports.ts";
import { systemClock } from "../src/platform/clock.ts";
import { listen } from "../src/platform/http/listen.ts";
import { EchoActors } from "../test/support/echo-actors.ts";

const IN_FLIGHT = 64;
const [seconds = 2, rounds = 5] = process.argv.slice(2).map(Number);

const limits = {
  maxConnections: 1_000,
  maxConnectionsPerAddress: 1_000,
  maxConcurrentStreams: 128,
  maxHeaderBytes: 16_384,
  maxHeaderCount: 100,
  maxMessageBytes: DEFAULT_LIMITS.messageBytes,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  writeStallMs: 30_000,
};

/** What a call is worth: one CPU microsecond more or less shows against an empty node. */
class NoopActors extends EchoActors {
  override invoke(): Promise<Reply> {
    return Promise.resolve(NOOP);
  }
}

const data = new TextEncoder().encode(JSON.stringify({ text: "x".repeat(90) }));
const NOOP: Reply = {
  payload: { type: "application/json", data },
  revision: 7,
  durable: true,
  replayed: false,
  metadata: EMPTY_MAP,
};

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const api = makeApiHandler({
  api: new NoopActors(),
  clock: systemClock,
  log,
  limits: DEFAULT_LIMITS,
  instruments: { observe: silent, rejected: silent, aborted: silent },
  authenticate: () => ANONYMOUS,
  corsOrigins: [],
  status: () => "running",
  pageTokenKey: new Uint8Array(32),
});

const message = create(InvokeRequestSchema, {
  actor: { type: "counter", key: "user-12345" },
  action: "add",
  payload: { type: "application/json", data },
});
const binary = toBinary(InvokeRequestSchema, message);
const framed = new Uint8Array(binary.length + 5);
new DataView(framed.buffer).setUint32(1, binary.length);
framed.set(binary, 5);

/** Answers what it got: with trailers where the request is gRPC. */
const bare: HttpHandler = {
  request(request, response) {
    request.readBody(DEFAULT_LIMITS.messageBytes, (failure, body) => {
      if (failure !== undefined) return;
      const type = request.header("content-type") ?? "";
      const trailers = type.startsWith("application/grpc+") ? { "grpc-status": "0" } : undefined;
      response.send(200, { "content-type": type }, body, trailers);
    });
  },
  upgrade: () => ({ kind: "refuse", status: 400, message: "none" }),
};

interface Protocol {
  readonly name: string;
  readonly http2: boolean;
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

const RPC = "/troupe.v1.ActorService/Invoke";
const json = new TextEncoder().encode(toJsonString(InvokeRequestSchema, message));
const protocols: readonly Protocol[] = [
  { name: "gRPC", http2: true, path: RPC, type: "application/grpc+proto", body: framed },
  {
    name: "Connect proto, HTTP/2",
    http2: true,
    path: RPC,
    type: "application/proto",
    body: binary,
  },
  { name: "Connect json, HTTP/2", http2: true, path: RPC, type: "application/json", body: json },
  {
    name: "HTTP/JSON, HTTP/2",
    http2: true,
    path: "/v1/counter/user-12345/add",
    type: "application/json",
    body: data,
  },
  {
    name: "Connect proto, HTTP/1.1",
    http2: false,
    path: RPC,
    type: "application/proto",
    body: binary,
  },
  { name: "Connect json, HTTP/1.1", http2: false, path: RPC, type: "application/json", body: json },
  {
    name: "HTTP/JSON, HTTP/1.1",
    http2: false,
    path: "/v1/counter/user-12345/add",
    type: "application/json",
    body: data,
  },
];

interface Server {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** CPU time that a process has used, in microseconds (Linux: ticks of 10 ms). */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

interface Figures {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** Calls for `ms` milliseconds; the rate, and the server's CPU time per call. */
async function run(server: Server, protocol: Protocol, ms: number): Promise<Figures> {
  let calls = 0;
  const lane = protocol.http2
    ? await http2Lane(server.port, protocol)
    : http1Lane(server.port, protocol);
  const cpuBefore = cpuMicros(server.pid);
  const begun = performance.now();
  const workers = Array.from({ length: IN_FLIGHT }, async () => {
    while (performance.now() < begun + ms) {
      await lane.call();
      calls += 1;
    }
  });
  await Promise.all(workers);
  const elapsedMs = performance.now() - begun;
  const used = cpuMicros(server.pid) - cpuBefore;
  lane.close();
  return { perSecond: (calls * 1_000) / elapsedMs, cpuMicros: used / calls };
}

interface Lane {
  call(): Promise<void>;
  close(): void;
}

async function http2Lane(port: number, { path, type, body }: Protocol): Promise<Lane> {
  const session = connect(`http://127.0.0.1:${port}`);
  await once(session, "remoteSettings");
  const headers = { ":method": "POST", ":path": path, "content-type": type };
  return {
    call: () =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers);
        stream.on("response", (answer) => {
          if (answer[":status"] !== 200) reject(new Error(`status ${String(answer[":status"])}`));
        });
        stream.on("data", silent);
        stream.on("end", () => resolve());
        stream.on("error", reject);
        stream.end(body);
      }),
    close: () => session.close(),
  };
}

function http1Lane(port: number, { path, type, body }: Protocol): Lane {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const headers = { "content-type": type, "content-length": String(body.length) };
  return {
    call: () =>
      new Promise((resolve, reject) => {
        const call = httpRequest(
          { port, host: "127.0.0.1", path, method: "POST", headers, agent },
          (answer) => {
            if (answer.statusCode !== 200) reject(new Error(`status ${String(answer.statusCode)}`));
            answer.on("data", silent);
            answer.on("end", () => resolve());
          },
        );
        call.on("error", reject);
        call.end(body);
      }),
    close: () => agent.destroy(),
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const columns = (figures: readonly Figures[]): string =>
  `${median(figures.map(({ perSecond }) => perSecond))
    .toFixed(0)
    .padStart(6)}/s ${cpu(figures).toFixed(1).padStart(5)} µs`;

const cpu = (figures: readonly Figures[]): number =>
  median(figures.map(({ cpuMicros }) => cpuMicros));

async function start(kind: "edge" | "echo"): Promise<Server> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    env: { ...process.env, EDGE_NOOP: kind },
    stdout: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  return { port, pid: child.pid, stop: () => child.kill() };
}

async function compare(): Promise<void> {
  const [edge, echo] = await Promise.all([start("edge"), start("echo")]);
  for (const protocol of protocols) {
    const ofEdge: Figures[] = [];
    const ofEcho: Figures[] = [];
    await run(edge, protocol, 500);
    await run(echo, protocol, 500);
    for (let round = 0; round < rounds; round += 1) {
      ofEdge.push(await run(edge, protocol, seconds * 1_000));
      ofEcho.push(await run(echo, protocol, seconds * 1_000));
    }
    const ratio = ((cpu(ofEcho) / cpu(ofEdge)) * 100).toFixed(0);
    console.log(
      `${protocol.name.padEnd(24)} edge ${columns(ofEdge)}  echo ${columns(ofEcho)}  ${ratio} %`,
    );
  }
  edge.stop();
  echo.stop();
}

const kind = process.env["EDGE_NOOP"];
if (kind === undefined) {
  await compare();
} else {
  const { port } = await listen(
    { host: "127.0.0.1", port: 0, limits },
    kind === "edge" ? api : bare,
  );
  console.log(port);
}
