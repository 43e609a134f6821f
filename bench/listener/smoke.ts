/**
 * Every way of speaking to the listener once, on whatever runtime runs this file:
 *
 *     bun bench/listener/smoke.ts          deno run -A bench/listener/smoke.ts
 */
import { connect } from "node:http2";
import { WebSocket as WsClient } from "ws";
import { listen } from "../../src/platform/http/listen.ts";
import { bidiHttp2, unaryHttp1, unaryHttp2 } from "./raw-clients.ts";

const CALLS = 1000;
const DEADLINE_MS = 20_000;
const body = Buffer.alloc(105, "smoke");
const rejected: string[] = [];

const listener = await listen(
  {
    host: "127.0.0.1",
    port: 0,
    limits: {
      maxConnections: 100,
      maxConnectionsPerAddress: 100,
      maxConcurrentStreams: 100,
      maxHeaderBytes: 16 * 1024,
      maxHeaderCount: 100,
      maxMessageBytes: 4 * 1024 * 1024,
      headerTimeoutMs: 10_000,
      bodyTimeoutMs: 30_000,
      tlsHandshakeTimeoutMs: 10_000,
      idleTimeoutMs: 300_000,
      writeStallMs: 30_000,
    },
    rejected: (reason) => rejected.push(reason),
  },
  {
    request(request, response) {
      if (request.target !== "/bidi") {
        request.readBody(4 * 1024 * 1024, (_failure, bytes) => {
          response.send(
            200,
            {},
            bytes,
            request.httpVersion === 2 ? { "grpc-status": "0" } : undefined,
          );
        });
        return;
      }
      const back = async (): Promise<void> => {
        response.start(200, {});
        for await (const chunk of request.body()) await response.write(chunk);
        response.end({ "grpc-status": "0" });
      };
      back().catch(() => response.reset());
    },
    upgrade: () => ({
      kind: "accept",
      protocol: "",
      accept: (link) => link.onMessage((frame) => link.send(frame)),
    }),
  },
);

const late = setTimeout(() => {
  console.error("a step did not end in time");
  process.exit(1);
}, DEADLINE_MS);

interface Counter {
  readonly more: () => boolean;
  readonly ended: (outcome: "ok" | "failed") => void;
}

async function step(
  name: string,
  width: number,
  begin: (c: Counter) => { destroy(): void },
): Promise<void> {
  const at = performance.now();
  let begun = width;
  let failed = 0;
  let client: { destroy(): void } | undefined;
  await new Promise<void>((resolve) => {
    let over = 0;
    client = begin({
      more: () => begun++ < CALLS,
      ended(outcome) {
        over += 1;
        if (outcome === "failed") failed += 1;
        if (over === CALLS) resolve();
      },
    });
  });
  client?.destroy();
  console.log(
    `${name}: ${CALLS} exchanges, ${failed} failed, ${(performance.now() - at).toFixed(0)} ms`,
  );
  if (failed > 0) process.exit(1);
}

const { port } = listener;
await step("HTTP/1.1", 1, (c) => unaryHttp1(port, body, c.more, c.ended));
await step("HTTP/2 unary", 32, (c) => unaryHttp2(port, 32, body, c.more, c.ended));
await step("HTTP/2 bidi", 16, (c) => bidiHttp2(port, 16, 4, body, c.more, c.ended, () => {}));
await step("WebSocket", 1, (c) => {
  const socket = new WsClient(`ws://127.0.0.1:${port}/link`);
  socket.on("open", () => socket.send(body));
  socket.on("message", (bytes: Buffer) => {
    c.ended(bytes.length === body.length ? "ok" : "failed");
    if (c.more()) socket.send(body);
  });
  return { destroy: () => socket.terminate() };
});
const session = connect(`http://127.0.0.1:${port}`);
const trailer = await new Promise((resolve, reject) => {
  const stream = session.request({ ":method": "POST", ":path": "/unary" });
  stream.on("error", reject);
  stream.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
  stream.resume();
  stream.end(Buffer.alloc(1_000_000));
});
console.log(`node:http2 client: 1,000,000 bytes, trailer ${String(trailer)}`);
session.close();
await listener.close();
clearTimeout(late);
console.log(`closed, ${listener.connections} connections left, rejected: [${rejected.join(", ")}]`);
process.exit(0);
