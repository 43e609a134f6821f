import { ServerError, toServerError } from "../../domain/error.ts";
import type { CallSignal, Invocation, Reply } from "../../domain/invocation.ts";
import type { PeerCallee } from "../../node/peers.ts";
import type { Clock, FrameLink } from "../../node/ports.ts";
import { NO_SLOT, TimerWheel, type WheelEntry } from "../../std/timer-wheel.ts";
import { WireError } from "../wire/reader.ts";
import { type FrameEntries, readFrame } from "./incoming-frame.ts";
import { type OutgoingCall, OutgoingFrames } from "./outgoing-frames.ts";
import type { PeerLimits } from "./peer-limits.ts";
import type { ReceivedAnswer } from "./wire-answer.ts";
import type { ReceivedCall } from "./wire-call.ts";

/** Time after its deadline in which a call still waits for its owner's own, more honest answer. */
const GRACE_MS = 250;
const GRANULE_MS = 50;

/** What a connection is made of. */
export interface PeerConnectionOptions {
  readonly link: FrameLink;
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly callee: PeerCallee;
  /** Takes a message of the other end. */
  readonly message: (topic: string, body: Uint8Array) => void;
  /** Called once when the connection is over, after every call on it was answered. */
  readonly ended: (reason: string) => void;
}

interface Pending extends OutgoingCall, WheelEntry {
  resolve(reply: Reply): void;
  reject(error: ServerError): void;
}

/** The signal of a call that came from a member, fired when its caller no longer waits. */
class RemoteSignal implements CallSignal {
  aborted = false;
  #listeners: (() => void)[] = [];

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners = this.#listeners.filter((each) => each !== listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}

/** One connection that has shaken hands: calls and messages both ways, until it ends. */
export class PeerConnection implements FrameEntries {
  readonly #options: PeerConnectionOptions;
  readonly #outgoing: OutgoingFrames;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<number, RemoteSignal>();
  readonly #deadlines: TimerWheel<Pending>;
  #lastId = 0;
  #heardMs: number;
  #stopTick: () => void = () => undefined;
  #ended = false;

  constructor(options: PeerConnectionOptions) {
    const { link, clock, limits } = options;
    this.#options = options;
    this.#heardMs = clock.now();
    this.#deadlines = new TimerWheel(GRANULE_MS, this.#heardMs);
    this.#outgoing = new OutgoingFrames(clock, link, limits.highWaterBytes);
    link.onClose((reason) => this.#end(reason));
    this.#tick();
  }

  /** Takes a frame of the link; whoever shook hands passes on what comes after. */
  frame(frame: Uint8Array): void {
    const now = this.#options.clock.now();
    this.#heardMs = now;
    try {
      readFrame(frame, now, this);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#close(`bad frame: ${error.message}`);
    }
  }

  /** Calls that wait for their answers. */
  get underWay(): number {
    return this.#pending.size;
  }

  invoke(invocation: Invocation, signal: CallSignal, epochSeen: number): Promise<Reply> {
    if (this.#ended) return Promise.reject(unreachable("not_started", "no connection"));
    if (this.#pending.size >= this.#options.limits.maxCalls) return Promise.reject(overloaded());
    return new Promise<Reply>((resolve, reject) => {
      this.#lastId += 1;
      const call: Pending = {
        id: this.#lastId,
        invocation,
        epochSeen,
        sent: false,
        resolve,
        reject,
        dueMs: invocation.deadlineMs + GRACE_MS,
        wheelSlot: NO_SLOT,
        wheelNext: undefined,
        wheelPrevious: undefined,
      };
      this.#pending.set(call.id, call);
      this.#deadlines.add(call);
      this.#outgoing.call(call);
      signal.addEventListener("abort", () => this.#takeBack(call));
    });
  }

  /** False if too many messages wait already. */
  cast(topic: string, body: Uint8Array): boolean {
    if (this.#ended || this.#outgoing.messages >= this.#options.limits.maxMessages) return false;
    this.#outgoing.message(topic, body);
    return true;
  }

  close(): void {
    this.#options.link.close();
    this.#end("closed");
  }

  call({ id, invocation, epochSeen }: ReceivedCall): void {
    const signal = new RemoteSignal();
    this.#running.set(id, signal);
    this.#options.callee.invoke(invocation, signal, epochSeen).then(
      (reply) => {
        this.#running.delete(id);
        this.#outgoing.answer({ id, reply });
      },
      (error: unknown) => {
        this.#running.delete(id);
        this.#outgoing.answer({ id, error: toServerError(error) });
      },
    );
  }

  answer(answer: ReceivedAnswer): void {
    const call = this.#pending.get(answer.id);
    if (call === undefined) return;
    this.#settled(call);
    if ("reply" in answer) call.resolve(answer.reply);
    else call.reject(answer.error);
  }

  cancel(id: number): void {
    this.#running.get(id)?.abort();
  }

  message(topic: string, body: Uint8Array): void {
    this.#options.message(topic, body);
  }

  ping(): void {
    this.#outgoing.pong();
  }

  #takeBack(call: Pending): void {
    if (!this.#pending.has(call.id)) return;
    this.#outgoing.cancel(call);
    if (call.sent) return;
    this.#settled(call);
    call.reject(new ServerError("call.canceled", "the call was canceled", "not_started"));
  }

  #settled(call: Pending): void {
    this.#pending.delete(call.id);
    this.#deadlines.remove(call);
  }

  #tick(): void {
    const { clock, limits } = this.#options;
    const now = clock.now();
    this.#deadlines.advance(now, (call) => this.#late(call));
    const quietMs = now - this.#heardMs;
    if (quietMs > limits.silentMs) return this.#close("silent");
    if (quietMs > limits.quietMs) this.#outgoing.ping();
    this.#stopTick = clock.setTimer(GRANULE_MS, () => this.#tick());
  }

  #late(call: Pending): void {
    this.#pending.delete(call.id);
    this.#outgoing.cancel(call);
    call.reject(
      new ServerError(
        "call.deadline",
        "the member that owns the actor did not answer in time",
        call.sent ? "unknown" : "not_started",
        { reason: "DEADLINE" },
      ),
    );
  }

  #close(reason: string): void {
    this.#options.link.close();
    this.#end(reason);
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTick();
    this.#outgoing.stop();
    for (const call of [...this.#pending.values()]) {
      this.#settled(call);
      call.reject(unreachable(call.sent ? "unknown" : "not_started", reason));
    }
    // Their callers have heard that the outcome is unknown; what has not begun need not begin.
    for (const signal of this.#running.values()) signal.abort();
    this.#options.ended(reason);
  }
}

/** The member cannot be reached, or was lost before it answered. */
export function unreachable(outcome: "not_started" | "unknown", why: string): ServerError {
  return new ServerError(
    "routing.unreachable",
    `the member that owns the actor cannot be reached (${why})`,
    outcome,
    { reason: "PEER_UNREACHABLE", retryAfterMs: 200 },
  );
}

function overloaded(): ServerError {
  return new ServerError(
    "quota.exceeded",
    "too many calls are under way to the member that owns the actor",
    "not_started",
    { reason: "PEER_OVERLOADED", retryAfterMs: 100 },
  );
}
