import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { EMPTY_PAYLOAD, type Payload } from "../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../domain/turn.ts";
import { ActorService, InvokeRequestSchema } from "../gen/troupe/v1/actor_pb.ts";
import {
  ActorHostService,
  DescribeResponseSchema,
  HostService,
  RegisterRequestSchema,
} from "../gen/troupe/v1/host_pb.ts";
import type { Actor } from "./actor.ts";
import type { ActorCall } from "./actor-context.ts";
import { runInvocation } from "./actor-runner.ts";
import { CallFailure } from "./call-failure.ts";
import { hostProfile } from "./host-profile.ts";
import { eachField, readInvocation, type TurnTokens } from "./invocation-message.ts";
import { encodeResult } from "./result-message.ts";
import { typeMessage } from "./type-message.ts";
import type { HostProfile } from "./host-session.ts";
import { fetchCalls, type UnaryCall } from "./unary-calls.ts";

/** How a dialled host listens, and where it registers. */
export interface ListenHostOptions {
  /** A TCP port of the loopback interface; 0 takes any. */
  readonly port?: number;
  /** Path of a Unix socket, instead of a port. */
  readonly socket?: string;
  readonly actors: readonly Actor[];
  readonly system?: string;
  readonly name?: string;
  /** Turns that the host takes at once. */
  readonly concurrency?: number;
  /** The server to register at; calls of actors to other actors go there, too. */
  readonly server?: { readonly url: string; readonly token?: string };
}

/** A host that the server calls. */
export interface DialledHost {
  /** What the server dials: `http://127.0.0.1:port` or `unix:/path`. */
  readonly endpoint: string;
  /** Ends after the running requests. */
  close(): Promise<void>;
}

const VERSION = 1;
/** `ExecuteResponse.results`. */
const RESULTS_FIELD = 1;
const SDK_NAME = "troupe-typescript/0.1.0";
const MOST_BODY_BYTES = 64 * 1024 * 1024;
const REGISTER_TIMEOUT_MS = 10_000;

/**
 * Serves actors at an endpoint that the server dials, and registers it there. Resolves when it
 * listens and is registered; rejects with the error of the system or with `CallFailure`.
 */
export async function listenHost(options: ListenHostOptions): Promise<DialledHost> {
  const host = new ListeningHost(options);
  await host.start();
  return host;
}

class ListeningHost implements DialledHost {
  readonly #options: ListenHostOptions;
  readonly #profile: HostProfile;
  readonly #server: Server;
  readonly #calls: UnaryCall | undefined;
  endpoint = "";

  constructor(options: ListenHostOptions) {
    const { server, concurrency } = options;
    this.#options = options;
    this.#profile = hostProfile({
      ...options,
      ...(concurrency !== undefined && { credit: concurrency }),
    });
    this.#calls = server === undefined ? undefined : fetchCalls(server.url, server.token, fetch);
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<void> {
    const { socket, port } = this.#options;
    if (socket !== undefined) await rm(socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      if (socket === undefined) this.#server.listen(port ?? 0, "127.0.0.1", resolve);
      else this.#server.listen(socket, resolve);
    });
    const address = this.#server.address();
    this.endpoint =
      typeof address === "object" ? `http://127.0.0.1:${address?.port}` : `unix:${socket}`;
    try {
      await this.#register();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #register(): Promise<void> {
    const { server } = this.#options;
    if (server === undefined || this.#calls === undefined) return;
    const { name, specs, credit } = this.#profile;
    const request = create(RegisterRequestSchema, {
      token: server.token ?? "",
      version: VERSION,
      endpoint: this.endpoint,
      types: specs.map(typeMessage),
      hostName: name,
      concurrency: credit,
    });
    await this.#calls(HostService.method.register, request, REGISTER_TIMEOUT_MS);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const prefix = `/${ActorHostService.typeName}/`;
      if (request.method !== "POST" || request.headers["content-type"] !== "application/proto") {
        return refuse(
          response,
          415,
          "invalid_argument",
          "a host is called by POST with application/proto",
        );
      }
      const body = await readBody(request);
      if (request.url === `${prefix}Describe`) return send(response, this.#describe());
      if (request.url === `${prefix}Execute`) {
        return send(response, await this.#execute(body));
      }
      refuse(response, 404, "unimplemented", "there is no such method");
    } catch (error) {
      refuse(
        response,
        400,
        "invalid_argument",
        error instanceof Error ? error.message : String(error),
      );
    }
  }

  #describe(): Uint8Array {
    const { specs, credit } = this.#profile;
    const described = create(DescribeResponseSchema, {
      version: VERSION,
      types: specs.map(typeMessage),
      sdk: SDK_NAME,
      concurrency: credit,
    });
    return toBinary(DescribeResponseSchema, described);
  }

  /** The encoded `ExecuteResponse` to an `ExecuteRequest`. */
  async #execute(body: Uint8Array): Promise<Uint8Array> {
    const reader = new BinaryReader(body);
    const now = performance.now();
    const tokens: TurnTokens = new WeakMap();
    const invocations: HostInvocation[] = [];
    eachField(reader, body.length, (tag) => {
      if (tag !== 0x0a) return false;
      invocations.push(readInvocation(reader, now, tokens));
      return true;
    });
    const results = await Promise.all(invocations.map((one) => this.#run(one, tokens)));
    const writer = new BinaryWriter();
    for (const result of results) writer.tag(RESULTS_FIELD, WireType.LengthDelimited).bytes(result);
    return writer.finish();
  }

  async #run(invocation: HostInvocation, tokens: TurnTokens): Promise<Uint8Array> {
    const { system, type } = invocation.actor;
    const actor = this.#profile.actors.get(`${system}/${type}`) ?? { type, actions: {} };
    const longest = Math.max(
      0,
      ...invocation.turns.map((turn) => turn.invocation.deadlineMs - performance.now()),
    );
    const result = await runInvocation(actor, invocation, {
      now: () => performance.now(),
      call: (turn, call) => this.#call(turn, call, tokens),
      // The server cannot take back what it has dialled: a turn ends with its deadline.
      signal: () => AbortSignal.timeout(Math.ceil(longest)),
    });
    return encodeResult(result, invocation.tags);
  }

  async #call(turn: HostTurn, call: ActorCall, tokens: TurnTokens): Promise<Payload> {
    if (this.#calls === undefined) {
      throw new CallFailure(
        "failed_precondition",
        "the host was given no server to call",
        "not_started",
      );
    }
    const { target, timeoutMs, ...rest } = call;
    const request = create(InvokeRequestSchema, {
      ...rest,
      metadata: { ...call.metadata },
      actor: target,
      timeout: durationFromMs(Math.max(1, Math.floor(timeoutMs))),
      turnToken: tokens.get(turn) ?? "",
    });
    const reply = await this.#calls(ActorService.method.invoke, request, Math.max(1, timeoutMs));
    return reply.payload ?? EMPTY_PAYLOAD;
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw new RangeError("the request is too large");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function send(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { "content-type": "application/proto", "content-length": body.length });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ code, message });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
