/**
 * The server side of the listener's measurements, from source or compiled.
 *
 *     echo-server.ts [listen|bun]      prints its port; GET /usage tells CPU microseconds and memory
 */
import type { HttpRequest, HttpResponse } from "../../src/node/ports.ts";
import { listen } from "../../src/platform/http/listen.ts";

const BODY_LIMIT = 4 * 1024 * 1024;
const connectHeaders = { "content-type": "application/proto" };
const grpcHeaders = { "content-type": "application/grpc" };
const grpcOk = { "grpc-status": "0" };

function usage(connections: number): string {
  const { user, system } = process.cpuUsage();
  const rssBytes = process.memoryUsage.rss();
  return JSON.stringify({ cpuMicros: user + system, rssBytes, connections });
}

async function streamBack(request: HttpRequest, response: HttpResponse): Promise<void> {
  response.start(200, grpcHeaders);
  for await (const chunk of request.body()) await response.write(chunk);
  response.end(grpcOk);
}

function answer(request: HttpRequest, response: HttpResponse): void {
  if (request.target === "/bidi") {
    streamBack(request, response).catch(() => response.reset());
    return;
  }
  request.readBody(BODY_LIMIT, (failure, body) => {
    if (failure !== undefined) response.reset();
    else if (request.httpVersion === 2) response.send(200, grpcHeaders, body, grpcOk);
    else response.send(200, connectHeaders, body);
  });
}

async function serveWithListener(): Promise<number> {
  const listener = await listen(
    {
      host: "127.0.0.1",
      port: 0,
      limits: {
        maxConnections: 10_000,
        maxConnectionsPerAddress: 10_000,
        maxConcurrentStreams: 100,
        maxHeaderBytes: 16 * 1024,
        maxHeaderCount: 100,
        maxMessageBytes: BODY_LIMIT,
        headerTimeoutMs: 10_000,
        bodyTimeoutMs: 30_000,
        tlsHandshakeTimeoutMs: 10_000,
        idleTimeoutMs: 300_000,
        writeStallMs: 30_000,
      },
      rejected: (reason, address) => console.error(`rejected ${reason} ${address}`),
    },
    {
      request(request, response) {
        if (request.method === "GET") response.send(200, {}, usage(listener.connections));
        else answer(request, response);
      },
      upgrade: () => ({
        kind: "accept",
        protocol: "",
        accept: (link) => link.onMessage((frame) => link.send(frame)),
      }),
    },
  );
  return listener.port;
}

function serveWithBun(): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.method === "GET") return new Response(usage(0));
      return new Response(await request.bytes(), { headers: connectHeaders });
    },
  });
  return server.port ?? 0;
}

console.log(process.argv.at(-1) === "bun" ? serveWithBun() : await serveWithListener());
