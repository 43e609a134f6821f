import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import type { StringMap } from "../domain/invocation.ts";
import {
  ActorService,
  GetStateRequestSchema,
  type InvokeRequest,
  InvokeRequestSchema,
  type InvokeResponse,
  ListRequestSchema,
} from "../gen/troupe/v1/actor_pb.ts";
import { CallFailure } from "./call-failure.ts";
import { InvokeStream } from "./invoke-stream.ts";
import { fromPayload, toPayload } from "./json-payload.ts";
import { DEFAULT_RETRIES, type RetryOptions, RetryPolicy } from "./retry-policy.ts";
import { fetchCalls, transportCalls, type UnaryCall } from "./unary-calls.ts";

export { CallFailure } from "./call-failure.ts";
export type { RetryOptions } from "./retry-policy.ts";

/** Where a client calls. */
export interface ConnectOptions {
  /** Address of a node, e.g. `http://127.0.0.1:7700`. */
  readonly url: string;
  readonly token?: string;
  /** Namespace of calls that name none; "default" if left out. */
  readonly system?: string;
  readonly timeoutMs?: number;
  readonly retries?: Partial<RetryOptions>;
  /** A transport of Connect (gRPC, gRPC-web, HTTP/2); without one calls go out by `fetch`. */
  readonly transport?: Transport;
  readonly fetch?: typeof fetch;
}

/** Settings of one call. */
export interface InvokeOptions {
  /** The same id gets the first answer again; makes every repetition harmless. */
  readonly requestId?: string;
  readonly timeoutMs?: number;
  readonly system?: string;
  readonly metadata?: StringMap;
  /** Acts only on this revision; another rejects with "aborted". */
  readonly expectedRevision?: number;
}

/** What an action answered. */
export interface InvokeAnswer {
  /** The JSON value of the reply; a `Payload` if it is no JSON, `undefined` if it is empty. */
  readonly value: unknown;
  readonly revision: number;
  /** The recorded answer to an earlier call with the same request id. */
  readonly replayed: boolean;
  /** False with snapshot durability: written behind. */
  readonly durable: boolean;
  readonly metadata: StringMap;
}

/** An actor's committed state. */
export interface ActorState {
  /** `undefined` if the actor has none. */
  readonly value: unknown;
  readonly revision: number;
  readonly tags: StringMap;
}

/** One actor of a listing. */
export interface ListedActor {
  readonly system: string;
  readonly type: string;
  readonly key: string;
  readonly revision: number;
  readonly hasState: boolean;
  readonly tags: StringMap;
}

/** Which actors are listed. */
export interface ListOptions {
  readonly system?: string;
  readonly type?: string;
  readonly keyPrefix?: string;
  readonly tags?: StringMap;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

/** Invokes actions of actors. */
export interface Caller {
  /** Resolves with the reply once the call is committed. Rejects with `CallFailure`. */
  invoke(
    type: string,
    key: string,
    action: string,
    payload?: unknown,
    options?: InvokeOptions,
  ): Promise<unknown>;
  /** The same, with everything the server says beside the reply. */
  call(
    type: string,
    key: string,
    action: string,
    payload?: unknown,
    options?: InvokeOptions,
  ): Promise<InvokeAnswer>;
}

/** Calls over one stream, batched; `close` ends it. */
export interface CallerStream extends Caller {
  close(): void;
}

const TIMEOUT_MS = 30_000;

/** A client of a server. Opens nothing: the first call connects. */
export function connect(options: ConnectOptions): Client {
  return new Client(options);
}

/** Calls actors. Holds no connection of its own, so there is nothing to close. */
export class Client implements Caller {
  readonly #options: ConnectOptions;
  readonly #unary: UnaryCall;
  readonly #retries: RetryPolicy;

  constructor(options: ConnectOptions) {
    const { transport, token, url } = options;
    this.#options = options;
    this.#retries = new RetryPolicy({ ...DEFAULT_RETRIES, ...options.retries });
    this.#unary =
      transport === undefined
        ? fetchCalls(url, token, options.fetch ?? (((...args) => fetch(...args)) as typeof fetch))
        : transportCalls(transport, token);
  }

  async invoke(
    type: string,
    key: string,
    action: string,
    payload?: unknown,
    options?: InvokeOptions,
  ): Promise<unknown> {
    return (await this.call(type, key, action, payload, options)).value;
  }

  async call(
    type: string,
    key: string,
    action: string,
    payload?: unknown,
    options: InvokeOptions = {},
  ): Promise<InvokeAnswer> {
    const timeoutMs = this.#timeoutMs(options.timeoutMs);
    const request = this.#request(type, key, action, payload, options);
    const send = (leftMs: number): Promise<InvokeResponse> =>
      this.#unary(ActorService.method.invoke, request, leftMs);
    return answerOf(await this.#repeat(send, timeoutMs, request.requestId !== ""));
  }

  /** The committed state. Never activates the actor for longer than the call. */
  async getState(
    type: string,
    key: string,
    options: { system?: string; timeoutMs?: number } = {},
  ): Promise<ActorState> {
    const request = create(GetStateRequestSchema, {
      actor: this.#actor(type, key, options.system),
    });
    // A read is harmless whenever it is repeated.
    const send = (leftMs: number) => this.#unary(ActorService.method.getState, request, leftMs);
    const { state, revision, tags } = await this.#repeat(
      send,
      this.#timeoutMs(options.timeoutMs),
      true,
    );
    return {
      value: state === undefined ? undefined : fromPayload(state),
      revision: Number(revision),
      tags,
    };
  }

  /** One page of the actors that are known; `nextPageToken` is "" on the last one. */
  async list(options: ListOptions = {}): Promise<{ actors: ListedActor[]; nextPageToken: string }> {
    const request = create(ListRequestSchema, {
      ...options,
      system: options.system ?? this.#options.system ?? "",
      tags: { ...options.tags },
    });
    const send = (leftMs: number) => this.#unary(ActorService.method.list, request, leftMs);
    const { actors, nextPageToken } = await this.#repeat(send, this.#timeoutMs(undefined), true);
    const listed = actors.map(({ actor, revision, hasState, tags }) => ({
      system: actor?.system ?? "",
      type: actor?.type ?? "",
      key: actor?.key ?? "",
      revision: Number(revision),
      hasState,
      tags,
    }));
    return { actors: listed, nextPageToken };
  }

  /**
   * Calls over one bidirectional stream, batched by tick and not repeated. Needs a `transport` that
   * can stream both ways (HTTP/2); throws a `TypeError` without one.
   */
  stream(): CallerStream {
    const { transport, token } = this.#options;
    if (transport === undefined)
      throw new TypeError("a stream needs a transport that streams both ways");
    const stream = new InvokeStream(transport, token);
    const call: Caller["call"] = async (type, key, action, payload, options = {}) => {
      const timeout = durationFromMs(Math.floor(this.#timeoutMs(options.timeoutMs)));
      return answerOf(
        await stream.invoke({ ...this.#request(type, key, action, payload, options), timeout }),
      );
    };
    return {
      call,
      invoke: async (...args) => (await call(...args)).value,
      close: () => stream.close(),
    };
  }

  #timeoutMs(own: number | undefined): number {
    return own ?? this.#options.timeoutMs ?? TIMEOUT_MS;
  }

  #actor(
    type: string,
    key: string,
    system: string | undefined,
  ): { system: string; type: string; key: string } {
    return { system: system ?? this.#options.system ?? "", type, key };
  }

  #request(
    type: string,
    key: string,
    action: string,
    payload: unknown,
    options: InvokeOptions,
  ): InvokeRequest {
    const { expectedRevision } = options;
    return create(InvokeRequestSchema, {
      actor: this.#actor(type, key, options.system),
      action,
      payload: toPayload(payload),
      requestId: options.requestId ?? "",
      metadata: { ...options.metadata },
      ...(expectedRevision !== undefined && { expectedRevision: BigInt(expectedRevision) }),
    });
  }

  async #repeat<T>(
    send: (leftMs: number) => Promise<T>,
    timeoutMs: number,
    harmless: boolean,
  ): Promise<T> {
    const end = performance.now() + timeoutMs;
    this.#retries.begin();
    for (let attempt = 1; ; attempt += 1) {
      try {
        // gRPC and Connect carry whole milliseconds.
        return await send(Math.max(1, Math.ceil(end - performance.now())));
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        const delayMs = this.#retries.delayMs(error, attempt, harmless);
        if (delayMs === undefined || performance.now() + delayMs >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    }
  }
}

function answerOf({
  payload,
  revision,
  replayed,
  notDurable,
  metadata,
}: InvokeResponse): InvokeAnswer {
  return {
    value: payload === undefined ? undefined : fromPayload(payload),
    revision: Number(revision),
    replayed,
    durable: !notDurable,
    metadata,
  };
}
