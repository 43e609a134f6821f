import { ServerError } from "../../domain/error.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import type { Clock } from "../../node/ports.ts";
import { ProtoWriter } from "../wire/writer.ts";
import type { HostTransport } from "./attached-host.ts";
import type { WriteAnswer } from "./host-calls.ts";
import { type TurnContext, writeInvocation } from "./wire-invocation.ts";

/** A frame is closed when it has this many bytes; gRPC libraries take 4 MiB unless told otherwise. */
const FRAME_BYTES = 1024 * 1024;
/** What a connection may have waiting before its host counts as stuck. */
const MOST_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Collects what goes to one host within a tick and writes it as one `AttachResponse`. */
export class OutgoingFrames {
  readonly #clock: Clock;
  readonly #transport: HostTransport;
  readonly #token: (turnId: number) => string;
  readonly #overflow: (error: ServerError) => void;
  readonly #writer = new ProtoWriter(16 * 1024);
  #welcome: Uint8Array | undefined;
  #invocations: HostInvocation[] = [];
  #answers: WriteAnswer[] = [];
  #cancelled: number[] = [];
  #pong = false;
  #draining = false;
  #scheduled = false;
  #stopped = false;

  /** `overflow` is called when the host does not read what it is sent. */
  constructor(
    clock: Clock,
    transport: HostTransport,
    token: (turnId: number) => string,
    overflow: (error: ServerError) => void,
  ) {
    this.#clock = clock;
    this.#transport = transport;
    this.#token = token;
    this.#overflow = overflow;
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
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#clock.defer(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    if (this.#transport.bufferedBytes > MOST_BUFFERED_BYTES) {
      this.#overflow(
        new ServerError("quota.exceeded", "the host does not read what it is sent", "not_applied", {
          reason: "HOST_STUCK",
        }),
      );
      return;
    }
    const writer = this.#writer;
    writer.reset();
    writer.reserve(this.#transport.prefixBytes);
    if (this.#welcome !== undefined) writer.presentBytes(1, this.#welcome);
    this.#welcome = undefined;
    this.#writeEntries();
    for (const id of this.#cancelled) writer.presentUint(4, id);
    writer.bool(5, this.#pong);
    writer.bool(6, this.#draining);
    this.#cancelled = [];
    this.#pong = false;
    this.#draining = false;
    this.#send();
  }

  #writeEntries(): void {
    const invocations = this.#invocations;
    const answers = this.#answers;
    this.#invocations = [];
    this.#answers = [];
    const context: TurnContext = { now: this.#clock.now(), token: this.#token };
    for (const invocation of invocations) {
      writeInvocation(this.#writer, 2, invocation, context);
      this.#cut();
    }
    for (const write of answers) {
      write(this.#writer, 3);
      this.#cut();
    }
  }

  #cut(): void {
    if (this.#writer.length < FRAME_BYTES) return;
    this.#send();
    this.#writer.reset();
    this.#writer.reserve(this.#transport.prefixBytes);
  }

  #send(): void {
    const { prefixBytes } = this.#transport;
    if (this.#writer.length <= prefixBytes) return;
    if (prefixBytes === 5) this.#writer.prefix(0, 0);
    this.#transport.write(this.#writer.finish());
  }
}
