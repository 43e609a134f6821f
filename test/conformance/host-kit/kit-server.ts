import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Credentials } from "../../../src/contract/authenticator.ts";
import { ServerError, toServerError } from "../../../src/domain/error.ts";
import { ANONYMOUS, type Caller } from "../../../src/domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../../src/domain/limits.ts";
import { DEFAULT_EDGE_LIMITS } from "../../../src/edge/api-options.ts";
import { Authentication, credentialsOf } from "../../../src/edge/authentication.ts";
import { ATTACH_PATH, attachHandler } from "../../../src/edge/host-link/attach-stream.ts";
import {
  attachWebSocket,
  HOST_SUBPROTOCOL,
} from "../../../src/edge/host-link/attach-web-socket.ts";
import { DialledHosts } from "../../../src/edge/host-link/dialled-hosts.ts";
import type { HostLinkOptions } from "../../../src/edge/host-link/host-link-options.ts";
import { Registrations } from "../../../src/edge/host-link/registrations.ts";
import { toInvocation } from "../../../src/edge/invoke-call.ts";
import { decodeInvoke, writeReply } from "../../../src/edge/invoke-codec.ts";
import { protocolOf, refuseRequest } from "../../../src/edge/protocols.ts";
import { ProtoWriter } from "../../../src/edge/wire/writer.ts";
import {
  RegisterRequestSchema,
  RegisterResponseSchema,
} from "../../../src/gen/troupe/v1/host_pb.ts";
import type {
  HttpHandler,
  HttpRequest,
  HttpResponse,
  Listener,
  ListenerLimits,
  Logger,
} from "../../../src/node/ports.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { makeDialTransport } from "../../../src/platform/dial-transport.ts";
import { listen } from "../../../src/platform/http/listen.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { KitActors } from "./kit-actors.ts";
import { RecordingGate } from "./recording-gate.ts";

const LISTENER_LIMITS: ListenerLimits = {
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  maxConcurrentStreams: 100,
  maxHeaderBytes: 16_384,
  maxHeaderCount: 100,
  maxMessageBytes: 4 * DEFAULT_LIMITS.messageBytes,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  writeStallMs: 30_000,
};
const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};
const REGISTER_PATH = "/troupe.v1.HostService/Register";
const INVOKE_PATH = "/troupe.v1.ActorService/Invoke";

/**
 * The server's side of the host protocol and nothing else: the real links on a real listener, before
 * a gate that records what hosts say. Turns are given out by the checks themselves.
 */
export class KitServer implements HttpHandler, AsyncDisposable {
  readonly token: string;
  readonly gate = new RecordingGate();
  readonly actors = new KitActors(this.gate);
  readonly options: HostLinkOptions;
  readonly #dialled: DialledHosts;
  readonly #transport = makeDialTransport();
  readonly #attach: (request: HttpRequest, response: HttpResponse) => void;
  readonly #socket: ReturnType<typeof attachWebSocket>;
  #listener: Listener | undefined;

  constructor(token: string) {
    this.token = token;
    const authenticate = ({ authorization }: Credentials): Caller | undefined =>
      authorization === `Bearer ${token}` ? { kind: "host", id: "kit", roles: [] } : undefined;
    this.options = {
      gate: this.gate,
      invoker: this.actors,
      clock: systemClock,
      random: systemRandom,
      log: SILENT,
      limits: DEFAULT_LIMITS,
      nodeName: "kit",
      registrations: new Registrations(systemClock),
      authentication: new Authentication(authenticate, DEFAULT_EDGE_LIMITS, systemClock),
    };
    this.#dialled = new DialledHosts(this.options, this.#transport, "local");
    this.#attach = attachHandler(this.options);
    this.#socket = attachWebSocket(this.options);
  }

  static async start(token = "kit-token"): Promise<KitServer> {
    const server = new KitServer(token);
    server.#listener = await listen(
      { host: "127.0.0.1", port: 0, limits: LISTENER_LIMITS },
      server,
    );
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener?.port}`;
  }

  request(request: HttpRequest, response: HttpResponse): void {
    if (request.target === ATTACH_PATH) return this.#attach(request, response);
    if (request.target !== REGISTER_PATH && request.target !== INVOKE_PATH)
      return response.send(404, {}, "");
    request.readBody(DEFAULT_LIMITS.messageBytes, (failure, body) => {
      if (failure !== undefined) return response.send(400, {}, "");
      this.#unary(request, body).then(
        (message) => answer(request, response, message),
        (error: unknown) => refuseRequest(request, response, toServerError(error)),
      );
    });
  }

  upgrade(request: HttpRequest): ReturnType<HttpHandler["upgrade"]> {
    if (request.header("sec-websocket-protocol") !== HOST_SUBPROTOCOL) {
      return { kind: "refuse", status: 400, message: "the subprotocol is not supported" };
    }
    return {
      kind: "accept",
      protocol: HOST_SUBPROTOCOL,
      accept: (link) => this.#socket(link, credentialsOf(request)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dialled.stop();
    for (const { link } of this.gate.attached) link.close("the kit has ended");
    this.#transport.close();
    await this.#listener?.close();
  }

  async #unary(request: HttpRequest, body: Uint8Array): Promise<Uint8Array> {
    const protocol = protocolOf(request.header("content-type"));
    if (protocol === undefined)
      throw new ServerError("request.invalid", "no protocol", "not_started");
    const message = protocol.unwrap(body);
    if (request.target === REGISTER_PATH) {
      const registered = await this.#dialled.register(
        fromBinary(RegisterRequestSchema, message),
        ANONYMOUS,
      );
      return toBinary(RegisterResponseSchema, registered);
    }
    const { limits, clock } = this.options;
    const channel = { caller: ANONYMOUS, timeoutMs: undefined, traceparent: "", tracestate: "" };
    const rules = { limits, clock, turn: (token: string) => this.gate.turn(token) };
    const invocation = toInvocation(decodeInvoke(message, limits), channel, rules);
    const reply = await this.actors.invoke(invocation);
    const writer = new ProtoWriter();
    writeReply(writer, reply);
    return writer.finish();
  }
}

function answer(request: HttpRequest, response: HttpResponse, message: Uint8Array): void {
  const protocol = protocolOf(request.header("content-type"));
  const framed = new Uint8Array((protocol?.prefixBytes ?? 0) + message.length);
  framed.set(message, framed.length - message.length);
  protocol?.reply(response, framed);
}
