import type { ActorId } from "./actor.ts";

/** A value the server never looks into: `type` is `application/json` or a protobuf type URL. */
export interface Payload {
  readonly type: string;
  readonly data: Uint8Array;
}

export const JSON_TYPE = "application/json";
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);
export const EMPTY_PAYLOAD: Payload = { type: "", data: EMPTY_BYTES };

/** String map of a call or an actor: metadata, tags. */
export type StringMap = Readonly<Record<string, string>>;
export const EMPTY_MAP: StringMap = Object.freeze({});

/**
 * Who calls, derived from the channel and never from the message. `anonymous` exists on loopback
 * only. `actor` is set when a turn of an actor makes the call; `id` is then the original principal.
 */
export interface Caller {
  readonly kind: "anonymous" | "client" | "host" | "peer" | "admin" | "system";
  readonly id: string;
  readonly roles: readonly string[];
  readonly actor?: ActorId;
}

export const ANONYMOUS: Caller = { kind: "anonymous", id: "anonymous", roles: [] };

/** The phases of a call that are measured and traced, in order. */
export type Phase = "receive" | "queue" | "claim" | "host" | "commit" | "reply";

/** W3C trace context as text. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string;
}

/**
 * Records the phases of one sampled call; its context names the call's span as parent. Unsampled calls
 * carry none, so they cost nothing.
 */
export interface CallTrace extends TraceContext {
  begin(phase: Phase): void;
  end(phase: Phase): void;
}

/** Ordered pipelining of one caller (guarantee G11). */
export interface StreamPosition {
  readonly streamId: string;
  readonly seq: number;
}

/**
 * What the server itself does as a turn, without the host: read the state, remove it, or bring a
 * past one back as a new revision.
 */
export type Operation =
  | { readonly kind: "state" }
  | { readonly kind: "delete"; readonly shred: boolean }
  | { readonly kind: "restore"; readonly state: Payload | undefined; readonly tags: StringMap };

/** One call on its way to an actor. Protobuf ends in the edge; inside there is only this. */
export interface Invocation {
  readonly actor: ActorId;
  readonly action: string;
  readonly payload: Payload;
  /** Idempotency key, or "" for none. */
  readonly requestId: string;
  readonly metadata: StringMap;
  readonly caller: Caller;
  /** Actors whose turns wait for this call, outermost first; made by the server. */
  readonly chain: readonly ActorId[];
  /** Monotonic time of this node in milliseconds; always finite. */
  readonly deadlineMs: number;
  readonly trace: CallTrace | undefined;
  /** The caller's context where the call itself is not sampled; handed on to the host as it came. */
  readonly traceContext?: TraceContext;
  /** The caller acts only on this revision; another is `state.conflict`. */
  readonly expectedRevision?: number;
  readonly stream?: StreamPosition;
  /** Set when the server itself is the one to act; `action` is then what policies see. */
  readonly operation?: Operation;
  /** How many nodes have passed it on already. */
  readonly hops: number;
}

/** The answer to a call. It leaves only after the commit of everything it depends on. */
export interface Reply {
  readonly payload: Payload;
  /** Revision of the actor after the turn; 0 for stateless actors. */
  readonly revision: number;
  /** False with `snapshot` durability: written behind. */
  readonly durable: boolean;
  /** The recorded answer to an earlier call with the same request id. */
  readonly replayed: boolean;
  readonly metadata: StringMap;
  /** The actor's tags, in the answer to a `state` operation. */
  readonly tags?: StringMap;
}

/** The smallest part of `AbortSignal` that a call needs; every `AbortSignal` is one. */
export interface CallSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  /** Signals that outlive a call let go of its listener; those that end with it need not. */
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** A signal that never fires, for calls that nobody can take back. */
export const NEVER: CallSignal = { aborted: false, addEventListener: () => undefined };

/**
 * The one shape of everything that invokes an actor: router, forwarding, activation table,
 * activators' door. Resolves when the call is committed; rejects with `ServerError`, whose `outcome`
 * says what became of it. `signal` takes the call back if it has not started.
 */
export interface Invoker {
  invoke(invocation: Invocation, signal: CallSignal): Promise<Reply>;
}
