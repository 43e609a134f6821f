import { toBinary } from "@bufbuild/protobuf";
import { ServerError, toServerError } from "../../domain/error.ts";
import type { Invocation } from "../../domain/invocation.ts";
import { CallErrorSchema } from "../../gen/troupe/v1/invocation_pb.ts";
import type { RunningTurn } from "../../node/host-port.ts";
import { toCallError } from "../error-map.ts";
import { refuse } from "../gates/refusal.ts";
import { type InvokeCall, toInvocation } from "../invoke-call.ts";
import { readInvoke, writeReply } from "../invoke-codec.ts";
import { BLANK_CALL } from "../invoke-call.ts";
import type { ProtoReader } from "../wire/reader.ts";
import type { ProtoWriter } from "../wire/writer.ts";
import type { HostLinkOptions } from "./host-link-options.ts";

/** A `HostCall` as the host wrote it. */
export interface RawHostCall {
  readonly id: number;
  readonly call: InvokeCall;
}

/** Reads the `HostCall` that comes next. Throws `WireError` or `ServerError`. */
export function readHostCall(reader: ProtoReader): RawHostCall {
  const outer = reader.enter();
  let id = 0;
  let call: InvokeCall = BLANK_CALL;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) id = reader.uint64();
    else if (tag === 0x12) {
      const inner = reader.enter();
      call = readInvoke(reader);
      reader.leave(inner);
    } else reader.skip(tag);
  }
  reader.leave(outer);
  return { id, call };
}

/** Writes one answer as a `HostCallResult` into the given field. */
export type WriteAnswer = (writer: ProtoWriter, field: number) => void;

/** The calls that the turns of one host make to other actors. */
export class HostCalls {
  readonly #options: HostLinkOptions;
  readonly #owns: (turn: RunningTurn) => boolean;
  readonly #answer: (write: WriteAnswer) => void;
  readonly #running = new Map<number, AbortController>();

  /** `owns` says whether a turn runs on this host; `answer` takes what goes back to it. */
  constructor(
    options: HostLinkOptions,
    owns: (turn: RunningTurn) => boolean,
    answer: (write: WriteAnswer) => void,
  ) {
    this.#options = options;
    this.#owns = owns;
    this.#answer = answer;
  }

  /** Starts a call; its answer comes later, whatever happens. */
  start({ id, call }: RawHostCall): void {
    let invocation: Invocation;
    try {
      if (this.#running.has(id)) throw refuse("DUPLICATE_CALL_ID");
      if (this.#running.size >= this.#options.limits.inFlightCalls) throw tooMany();
      invocation = this.#invocation(call);
    } catch (error) {
      this.#fail(id, error);
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#options.invoker.invoke(invocation, controller.signal).then(
      (reply) => {
        this.#running.delete(id);
        this.#traced(invocation, "ok");
        this.#answer((writer, field) => {
          const mark = writer.begin(field);
          writer.uint(1, id);
          const response = writer.begin(2);
          writeReply(writer, reply);
          writer.end(response);
          writer.end(mark);
        });
      },
      (error: unknown) => {
        this.#running.delete(id);
        this.#traced(invocation, toServerError(error).code);
        this.#fail(id, error);
      },
    );
  }

  /** Takes back every call: nobody is there any more to hear the answers. */
  cancelAll(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  #invocation(call: InvokeCall): Invocation {
    const { clock, limits, gate, trace } = this.#options;
    // Without its turn a call would have neither chain nor caller, so a token is required here.
    if (call.turnToken === "") throw refuse("TURN_TOKEN");
    const turn = gate.turn(call.turnToken);
    if (turn === undefined || !this.#owns(turn)) throw refuse("TURN_TOKEN");
    const context = turn.invocation.trace ?? turn.invocation.traceContext;
    const channel = {
      caller: turn.invocation.caller,
      timeoutMs: undefined,
      traceparent: context?.traceparent ?? "",
      tracestate: context?.tracestate ?? "",
    };
    return toInvocation(call, channel, { limits, clock, trace, turn: () => turn });
  }

  #traced({ trace }: Invocation, code: string): void {
    if (trace !== undefined) this.#options.trace?.end(trace, code);
  }

  #fail(id: number, error: unknown): void {
    const bytes = toBinary(CallErrorSchema, toCallError(toServerError(error)));
    this.#answer((writer, field) => {
      const mark = writer.begin(field);
      writer.uint(1, id);
      writer.presentBytes(3, bytes);
      writer.end(mark);
    });
  }
}

function tooMany(): ServerError {
  return new ServerError("quota.exceeded", "the host has too many calls under way", "not_started", {
    reason: "HOST_CALLS",
    retryAfterMs: 100,
  });
}
