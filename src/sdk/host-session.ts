import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ActorTypeSpec } from "../domain/actor.ts";
import type { Payload } from "../domain/invocation.ts";
import { EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type { HostInvocation, HostResult, HostTurn } from "../domain/turn.ts";
import {
  AttachRequestSchema,
  type HostCallResult,
  HostCallResultSchema,
  HostCallSchema,
} from "../gen/troupe/v1/host_pb.ts";
import type { Actor } from "./actor.ts";
import type { ActorCall, RunnerPort } from "./actor-context.ts";
import { runInvocationNow } from "./actor-runner.ts";
import { CallFailure, callFailure } from "./call-failure.ts";
import { eachField, nestedEnd, readInvocation, type TurnTokens } from "./invocation-message.ts";
import { encodeResult } from "./result-message.ts";
import { typeMessage } from "./type-message.ts";

/** What an attached host says of itself. */
export interface HostProfile {
  readonly token: string;
  readonly name: string;
  readonly credit: number;
  readonly weight: number;
  readonly specs: readonly ActorTypeSpec[];
  /** By `system/type`. */
  readonly actors: ReadonlyMap<string, Actor>;
}

/** One open stream to a server, whatever carries it. */
export interface HostStream {
  send(frame: Uint8Array): void;
  close(): void;
}

interface WaitingCall {
  readonly resolve: (payload: Payload) => void;
  readonly reject: (error: Error) => void;
  readonly stopTimer: () => void;
}

const SDK_NAME = "troupe-typescript/0.1.0";
const VERSION = 1;
/** Numbers of the fields of `AttachRequest` that are written by hand. */
const RESULTS_FIELD = 2;
const CALLS_FIELD = 3;
const CREDIT_FIELD = 4;
/** Results are cut into frames of about this size; a server takes at least four times as much. */
const FRAME_BYTES = 1024 * 1024;

/** What one attached stream does: runs what comes and answers in batches, one frame per tick. */
export class HostSession {
  readonly #profile: HostProfile;
  readonly #stream: HostStream;
  readonly #tokens: TurnTokens = new WeakMap();
  readonly #running = new Map<number, AbortController | undefined>();
  readonly #calls = new Map<number, WaitingCall>();
  readonly #welcomed: () => void;
  readonly #idle: () => void;
  readonly #port: RunnerPort = {
    now: () => performance.now(),
    call: (turn, call) => this.#call(turn, call),
    signal: ({ id }) => this.#signal(id),
  };
  #nextCall = 1;
  /** Fields of the next `AttachRequest`, already encoded, and their size. */
  #fields: { readonly number: number; readonly bytes: Uint8Array }[] = [];
  #fieldBytes = 0;
  #credit = 0;
  #scheduled = false;
  #ended = false;
  #draining = false;
  /** The server has said that it is going. */
  serverDraining = false;
  #heard = performance.now();

  /** `welcomed` is called once; `idle` whenever the last running invocation was answered. */
  constructor(profile: HostProfile, stream: HostStream, welcomed: () => void, idle: () => void) {
    this.#profile = profile;
    this.#stream = stream;
    this.#welcomed = welcomed;
    this.#idle = idle;
  }

  /** Whether turns run, or their results have not left. */
  get busy(): boolean {
    return this.#running.size > 0 || this.#fields.length > 0;
  }

  /** Milliseconds since the server was last heard of. */
  get silentMs(): number {
    return performance.now() - this.#heard;
  }

  /** The first frame. */
  hello(): void {
    const { token, name, credit, weight, specs } = this.#profile;
    this.#send({
      hello: {
        token,
        version: VERSION,
        sdk: SDK_NAME,
        hostName: name,
        credit,
        weight,
        types: specs.map(typeMessage),
      },
    });
  }

  /** One frame from the server. Throws if it cannot be read. */
  receive(bytes: Uint8Array): void {
    const now = performance.now();
    this.#heard = now;
    const reader = new BinaryReader(bytes);
    const invocations: HostInvocation[] = [];
    const cancelled: number[] = [];
    eachField(reader, bytes.length, (tag) => {
      if (tag === 0x12) invocations.push(readInvocation(reader, now, this.#tokens));
      else if (tag === 0x1a) this.#finishCall(fromBinary(HostCallResultSchema, reader.bytes()));
      else if (tag === 0x20) cancelled.push(Number(reader.uint64()));
      // Libraries pack lists of numbers.
      else if (tag === 0x22) {
        const end = nestedEnd(reader);
        while (reader.pos < end) cancelled.push(Number(reader.uint64()));
      } else if (tag === 0x30) this.serverDraining = reader.bool();
      else if (tag === 0x0a) {
        reader.bytes();
        this.#welcomed();
      } else return false;
      return true;
    });
    for (const invocation of invocations) {
      this.#running.set(invocation.id, undefined);
      this.#run(invocation);
    }
    for (const id of cancelled) this.#running.get(id)?.abort();
    if (this.serverDraining && !this.busy) this.#idle();
  }

  ping(): void {
    this.#send({ ping: true });
  }

  /** Tells the server that no new turns are taken. */
  drain(): void {
    if (this.#draining || this.#ended) return;
    this.#draining = true;
    this.#send({ draining: true });
  }

  /** The stream is gone: nothing more is sent, and waiting calls fail. */
  end(): void {
    this.#ended = true;
    for (const controller of this.#running.values()) controller?.abort();
    for (const { reject, stopTimer } of this.#calls.values()) {
      stopTimer();
      reject(new CallFailure("unavailable", "the stream to the server ended", "unknown"));
    }
    this.#calls.clear();
  }

  #run(invocation: HostInvocation): void {
    const { system, type } = invocation.actor;
    const actor = this.#profile.actors.get(`${system}/${type}`) ?? NO_ACTOR;
    const result = runInvocationNow(actor, invocation, this.#port);
    if (result instanceof Promise) void result.then((late) => this.#finish(invocation, late));
    else this.#finish(invocation, result);
  }

  #finish(invocation: HostInvocation, result: HostResult): void {
    this.#running.delete(invocation.id);
    if (this.#ended) return;
    this.#credit += invocation.turns.length;
    this.#queue(RESULTS_FIELD, encodeResult(result, invocation.tags));
  }

  /** Made when an action asks for it: most never do. */
  #signal(id: number): AbortSignal {
    const controller = this.#running.get(id) ?? new AbortController();
    if (this.#running.has(id)) this.#running.set(id, controller);
    return controller.signal;
  }

  async #call(turn: HostTurn, call: ActorCall): Promise<Payload> {
    if (this.#ended) {
      throw new CallFailure("unavailable", "the stream to the server ended", "not_started");
    }
    const id = this.#nextCall;
    this.#nextCall += 1;
    const { target, action, payload, metadata, requestId, timeoutMs } = call;
    // An argument that cannot be encoded fails this call, and not the frame.
    const request = {
      actor: target,
      action,
      payload,
      metadata,
      requestId,
      timeout: durationFromMs(Math.max(1, Math.floor(timeoutMs))),
      turnToken: this.#tokens.get(turn) ?? "",
    };
    const message = create(HostCallSchema, { id: BigInt(id), request });
    this.#queue(CALLS_FIELD, toBinary(HostCallSchema, message));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(
          new CallFailure("deadline_exceeded", "the call was not answered in time", "unknown"),
        );
      }, timeoutMs + CALL_GRACE_MS);
      this.#calls.set(id, { resolve, reject, stopTimer: () => clearTimeout(timer) });
    });
  }

  #finishCall({ id, result }: HostCallResult): void {
    const waiting = this.#calls.get(Number(id));
    if (waiting === undefined) return;
    this.#calls.delete(Number(id));
    waiting.stopTimer();
    if (result.case === "response") waiting.resolve(result.value.payload ?? EMPTY_PAYLOAD);
    else if (result.case === "error") waiting.reject(callFailure(result.value));
    else waiting.reject(new CallFailure("internal", "the answer to the call is empty", "unknown"));
  }

  #queue(number: number, bytes: Uint8Array): void {
    this.#fields.push({ number, bytes });
    this.#fieldBytes += bytes.length;
    if (this.#fieldBytes > FRAME_BYTES) return this.#flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#ended) return;
    if (this.#fields.length > 0) {
      const writer = new BinaryWriter();
      for (const { number, bytes } of this.#fields) {
        writer.tag(number, WireType.LengthDelimited).bytes(bytes);
      }
      if (this.#credit > 0) writer.tag(CREDIT_FIELD, WireType.Varint).uint32(this.#credit);
      this.#stream.send(writer.finish());
    }
    this.#fields = [];
    this.#fieldBytes = 0;
    this.#credit = 0;
    if (!this.busy) this.#idle();
  }

  #send(frame: MessageInitShape<typeof AttachRequestSchema>): void {
    if (!this.#ended)
      this.#stream.send(toBinary(AttachRequestSchema, create(AttachRequestSchema, frame)));
  }
}

/** The server answers before the deadline; this is for a server that does not. */
const CALL_GRACE_MS = 1_000;
/** Runs what is sent for a type that this host never registered: every action is unknown. */
const NO_ACTOR: Actor = { type: "unknown", actions: {} };
