/**
 * The server side of the `noop` workload: the whole edge over a node that answers at once (`edge`),
 * or a handler that sends back what it got (`echo`), on the same listener. Prints its port.
 */
import { ANONYMOUS, EMPTY_MAP, type Reply } from "../../src/domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../src/domain/limits.ts";
import { makeApiHandler } from "../../src/edge/api-handler.ts";
import type { HttpHandler } from "../../src/node/ports.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { listen } from "../../src/platform/http/listen.ts";
import { EchoActors } from "../../test/support/echo-actors.ts";

const LIMITS = {
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

const NOOP: Reply = {
  payload: { type: "application/json", data: Buffer.from(`{"text":"${"x".repeat(90)}"}`) },
  revision: 7,
  durable: true,
  replayed: false,
  metadata: EMPTY_MAP,
};

/** Costs nothing, so that all that shows is the edge. */
class NoopActors extends EchoActors {
  override invoke(): Promise<Reply> {
    return Promise.resolve(NOOP);
  }
}

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };

function edge(): HttpHandler {
  return makeApiHandler({
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
}

/** Answers what it got: with trailers where the request is gRPC. */
function echo(): HttpHandler {
  return {
    request(request, response) {
      request.readBody(DEFAULT_LIMITS.messageBytes, (failure, body) => {
        if (failure !== undefined) return;
        const type = request.header("content-type") ?? "";
        const grpc = type === "application/grpc" || type.startsWith("application/grpc+");
        const trailers = grpc ? { "grpc-status": "0" } : undefined;
        response.send(200, { "content-type": type }, body, trailers);
      });
    },
    upgrade: () => ({ kind: "refuse", status: 400, message: "none" }),
  };
}

const handler = process.argv[2] === "edge" ? edge() : echo();
const { port } = await listen({ host: "127.0.0.1", port: 0, limits: LIMITS }, handler);
console.log(port);
