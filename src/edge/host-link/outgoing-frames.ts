import { ServerError } from "../../domain/error.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import type { Clock } from "../../node/ports.ts";
import { writeUpTo } from "../wire/write-up-to.ts";
import { ProtoWriter } from "../wire/writer.ts";
import type { WriteAnswer } from "./host-calls.ts";
import type { HostTransport } from "./host-transport.ts";
import { writeInvocation } from "./wire-invocation.ts";

/** A frame is closed when it has this many bytes; gRPC libraries take 4 MiB unless told otherwise. */
const FRAME_BYTES = 1024 * 1024;
/** A host that takes nothing for so long is stuck. */
const STUCK_MS = 30_000;

/**
 * Collects what goes to one host within a tick and writes it as one `AttachResponse`. While the
 * connection has no room nothing more is encoded: what waits is what the host's credit allows, and
 * leaves in the next frames.
 */
export class OutgoingFrames {
  readonly #clock: Clock;
  readonly #transport: HostTransport;
  readonly #token: (turnId: number) => string;
  readonly #stuck: (error: ServerError) => void;
  readonly #writer = new ProtoWriter(16 * 1024);
  #welcome: Uint8Array | undefined;
  #invocations: HostInvocation[] = [];
  #answers: WriteAnswer[] = [];
  #cancelled: number[] = [];
  #pong = false;
  #draining = false;
  #scheduled = false;
  #stopStuckTimer: (() => void) | undefined;
  #stopped = false;

  /** `stuck` is called once when the host does not take what it is sent. */
  constructor(
    clock: Clock,
    transport: HostTransport,
    token: (turnId: number) => string,
    stuck: (error: ServerError) => void,
  ) {
    this.#clock = clock;
    this.#transport = transport;
    this.#token = token;
    this.#stuck = stuck;
    transport.onRoom(() => this.#flush());
  }

  welcome(bytes: Uint8Array): void {
    this.#welcome = bytes;
    this.#schedule();
  }

  invoke(invocation: HostInvocation): void {
    this.#invocations.push(invocation);
    this.#schedule();
  }

  /** Goes out even for an invocation that leaves in the same frame: the host gives its credit back. */
  cancel(id: number): void {
    this.#cancelled.push(id);
    this.#schedule();
  }

  answer(write: WriteAnswer): void {
    this.#answers.push(write);
    this.#schedule();
  }

  pong(): void {
    this.#pong = true;
    this.#schedule();
  }

  drain(): void {
    this.#draining = true;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopStuckTimer?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#clock.defer(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#stopStuckTimer?.();
    this.#stopStuckTimer = undefined;
    while (!this.#stopped && this.#waiting()) {
      if (this.#transport.blocked) {
        this.#stopStuckTimer = this.#clock.setTimer(STUCK_MS, () => this.#stuck(stuckError()));
        return;
      }
      this.#writeFrame();
    }
  }

  #waiting(): boolean {
    const entries = this.#invocations.length + this.#answers.length + this.#cancelled.length;
    return entries > 0 || this.#pong || this.#draining || this.#welcome !== undefined;
  }

  #writeFrame(): void {
    const writer = this.#writer;
    const { prefixBytes } = this.#transport;
    writer.reset();
    writer.reserve(prefixBytes);
    if (this.#welcome !== undefined) writer.presentBytes(1, this.#welcome);
    this.#welcome = undefined;
    const context = { now: this.#clock.now(), token: this.#token };
    this.#invocations = writeUpTo(writer, FRAME_BYTES, this.#invocations, (one) =>
      writeInvocation(writer, 2, one, context),
    );
    this.#answers = writeUpTo(writer, FRAME_BYTES, this.#answers, (write) => write(writer, 3));
    // A host that heard of a cancelled invocation later than of its cancelling would run it.
    if (this.#invocations.length === 0) {
      for (const id of this.#cancelled) writer.presentUint(4, id);
      this.#cancelled = [];
    }
    writer.bool(5, this.#pong);
    writer.bool(6, this.#draining);
    this.#pong = false;
    this.#draining = false;
    if (prefixBytes === 5) writer.prefix(0, 0);
    this.#transport.write(writer.finish());
  }
}

function stuckError(): ServerError {
  return new ServerError(
    "quota.exceeded",
    "the host does not read what it is sent",
    "not_applied",
    {
      reason: "HOST_STUCK",
    },
  );
}
