import { createConnectRouter } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Credentials } from "../contract/index.ts";
import type { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ActorService } from "../gen/troupe/v1/actor_pb.ts";
import { HostService } from "../gen/troupe/v1/host_pb.ts";
import type { HttpHandler, HttpRequest, HttpResponse, WebSocketDecision } from "../node/ports.ts";
import { makeActorService } from "./actor-service.ts";
import type { ApiHandlerOptions, ExtraRoute, ExtraUpgrade } from "./api-options.ts";
import { credentialsOf } from "./authentication.ts";
import { Calls } from "./calls.ts";
import { CLIENT_PROTOCOL, ClientSocket } from "./client-socket.ts";
import { CHANNEL, ConnectAdapter, pathOf, serverErrors } from "./connect-adapter.ts";
import { EdgeEntry } from "./edge-entry.ts";
import { connectCodeOf, reasonOf, STATUSES } from "./error-map.ts";
import { PageTokens } from "./gates/page-token.ts";
import { makeHealthService } from "./health.ts";
import { JsonRoutes } from "./json-routes.ts";
import { protocolOf } from "./protocols.ts";
import { StreamCall, type StreamShared, streamProtocolOf } from "./stream-call.ts";
import { LEAN_METHODS, UnaryCall, type UnaryShared } from "./unary-call.ts";
import { ProtoWriter } from "./wire/writer.ts";

const STREAM_PATH = "/troupe.v1.ActorService/InvokeStream";
const NO_HTTP2_STATUS = 505;

/** The algorithms a caller may compress with. */
export const COMPRESSIONS: readonly Compression[] = [compressionGzip, compressionBrotli];

/**
 * Everything that clients of actors reach: Connect, gRPC, gRPC-web, JSON and WebSocket, probes, and
 * the paths that others answer (`routes`, `upgrades`). Called by the listener for every request.
 */
export function makeApiHandler(options: ApiHandlerOptions): HttpHandler {
  return new ApiHandler(options);
}

class ApiHandler implements HttpHandler {
  readonly #entry: EdgeEntry;
  readonly #unary: UnaryShared;
  readonly #stream: StreamShared;
  readonly #adapter: ConnectAdapter;
  readonly #json: JsonRoutes;
  readonly #routes: readonly ExtraRoute[];
  readonly #upgrades: readonly ExtraUpgrade[];
  readonly #lean: boolean;

  constructor(options: ApiHandlerOptions) {
    const { limits, clock } = options;
    this.#entry = new EdgeEntry(options);
    this.#routes = options.routes ?? [];
    this.#upgrades = options.upgrades ?? [];
    this.#lean = options.lean ?? true;
    const { instruments, limits: edgeLimits } = this.#entry;
    const calls = new Calls(options.api, options, instruments);
    this.#unary = { calls, limits, instruments, writer: new ProtoWriter() };
    this.#stream = { calls, clock, limits, edgeLimits, instruments };
    this.#adapter = makeAdapter(options, this.#entry, calls);
    this.#json = new JsonRoutes(this.#unary);
  }

  request(request: HttpRequest, response: HttpResponse): void {
    const path = pathOf(request.target);
    const open = this.#entry.admit(path, request, response);
    if (open === undefined) return;
    const route = this.#routes.find((one) => matches(one, path));
    if (route?.authenticated === false) return route.request(request, open, undefined);
    this.#entry.identify(request, open, (caller) => {
      if (route === undefined) this.#serve(path, request, open, caller);
      else route.request(request, open, caller);
    });
  }

  upgrade(request: HttpRequest): WebSocketDecision {
    if (this.#entry.originRefusal(request) !== undefined) {
      return { kind: "refuse", status: 403, message: "the origin is not allowed" };
    }
    const offered = (request.header("sec-websocket-protocol") ?? "").split(",");
    const names = offered.map((name) => name.trim());
    const credentials = credentialsOf(request);
    const extra = this.#upgrades.find(({ protocol }) => names.includes(protocol));
    if (extra !== undefined) {
      const { protocol } = extra;
      return { kind: "accept", protocol, accept: (link) => extra.accept(link, credentials) };
    }
    if (!names.includes(CLIENT_PROTOCOL)) {
      return { kind: "refuse", status: 400, message: "the subprotocol is not supported" };
    }
    return this.#client(credentials);
  }

  /** A refusal that is known at once is the answer to the upgrade; a later one closes the socket. */
  #client(credentials: Credentials): WebSocketDecision {
    let found: Caller | ServerError | undefined;
    let socket: ClientSocket | undefined;
    this.#entry.authentication.identify(credentials, (answer) => {
      found = answer;
      socket?.identified(answer);
    });
    const early = found as Caller | ServerError | undefined;
    if (early instanceof Error) {
      this.#entry.instruments.rejected("websocket", reasonOf(early));
      const { http } = STATUSES[connectCodeOf(early)];
      return { kind: "refuse", status: http, message: early.message };
    }
    return {
      kind: "accept",
      protocol: CLIENT_PROTOCOL,
      accept: (link) => {
        socket = new ClientSocket(link, this.#stream);
        if (found !== undefined) socket.identified(found);
      },
    };
  }

  #serve(path: string, request: HttpRequest, response: HttpResponse, caller: Caller): void {
    if (!this.#adapter.serves(path)) return this.#serveJson(path, request, response, caller);
    const contentType = request.header("content-type");
    const protocol = protocolOf(contentType);
    if (protocol?.name === "grpc" && request.httpVersion !== 2) {
      return response.send(NO_HTTP2_STATUS, { connection: "close" }, "");
    }
    if (this.#lean && request.method === "POST" && protocol !== undefined) {
      const method = LEAN_METHODS.get(path);
      if (isPlain(request.header(protocol.encodingHeader))) {
        const unary = protocol.name !== "connect" || protocol.prefixBytes === 0;
        if (method !== undefined && unary) {
          return new UnaryCall(this.#unary, method, protocol, request, response, caller).start();
        }
        if (path === STREAM_PATH && request.httpVersion === 2) {
          const stream = streamProtocolOf(contentType);
          if (stream !== undefined) {
            void new StreamCall(this.#stream, stream, request, response, caller).serve();
            return;
          }
        }
      }
    }
    this.#adapter.serve(path, request, response, caller);
  }

  #serveJson(path: string, request: HttpRequest, response: HttpResponse, caller: Caller): void {
    const called = request.method === "POST" && this.#json.call(path, request, response, caller);
    if (!called) void this.#json.serve(path, request, response, caller);
  }
}

/** The complete handlers of every service that clients and hosts call by RPC. */
function makeAdapter(options: ApiHandlerOptions, entry: EdgeEntry, calls: Calls): ConnectAdapter {
  const { api, limits, registerHost, clock } = options;
  const router = createConnectRouter({
    acceptCompression: [...COMPRESSIONS],
    interceptors: [serverErrors],
    readMaxBytes: limits.messageBytes,
    // What is too large is refused by our own rule, which says that the turn is committed.
    writeMaxBytes: limits.messageBytes * 2,
  });
  const pageTokens = new PageTokens(options.pageTokenKey);
  const { instruments, limits: edgeLimits } = entry;
  const parts = { api, calls, rules: options, edgeLimits, instruments, pageTokens };
  router.service(ActorService, makeActorService(parts));
  router.service(Health, makeHealthService(options, clock, options.typeHealth));
  if (registerHost !== undefined) {
    router.rpc(HostService.method.register, (request, { values }) =>
      registerHost(request, values.get(CHANNEL).caller),
    );
  }
  return new ConnectAdapter(router.handlers, COMPRESSIONS, limits, clock);
}

const isPlain = (encoding: string | undefined): boolean =>
  encoding === undefined || encoding === "identity";

const matches = ({ path }: ExtraRoute, asked: string): boolean =>
  path.endsWith("/") ? asked.startsWith(path) : asked === path;
