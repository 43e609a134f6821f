import type { ServerError } from "../../domain/error.ts";
import type { Invocation, Reply } from "../../domain/invocation.ts";
import type { Clock, FrameLink } from "../../node/ports.ts";
import { writeUpTo } from "../wire/write-up-to.ts";
import { ProtoWriter } from "../wire/writer.ts";
import { writeError, writeReply } from "./wire-answer.ts";
import { writeCall } from "./wire-call.ts";

/** A frame is closed when it has this many bytes. */
const FRAME_BYTES = 256 * 1024;
/** Room for the length of a frame, which the link writes. */
const LENGTH_BYTES = 4;

/** A call that waits to leave. */
export interface OutgoingCall {
  readonly id: number;
  readonly invocation: Invocation;
  readonly epochSeen: number;
  /** Set when it has been handed to the connection: from then on the other end may run it. */
  sent: boolean;
}

type OutgoingAnswer =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly error: ServerError };

interface OutgoingMessage {
  readonly topic: string;
  readonly body: Uint8Array;
}

/**
 * Collects what goes to one member within a tick and writes it as one frame. While the connection
 * has no room nothing more is encoded.
 */
export class OutgoingFrames {
  readonly #clock: Clock;
  readonly #link: FrameLink;
  readonly #highWaterBytes: number;
  readonly #writer = new ProtoWriter(16 * 1024);
  #calls: OutgoingCall[] = [];
  #answers: OutgoingAnswer[] = [];
  #cancels: number[] = [];
  #messages: OutgoingMessage[] = [];
  #ping = false;
  #pong = false;
  #scheduled = false;
  #stopped = false;

  constructor(clock: Clock, link: FrameLink, highWaterBytes: number) {
    this.#clock = clock;
    this.#link = link;
    this.#highWaterBytes = highWaterBytes;
    link.onRoom(() => this.#flush());
  }

  /** Messages that wait. */
  get messages(): number {
    return this.#messages.length;
  }

  call(call: OutgoingCall): void {
    this.#calls.push(call);
    this.#schedule();
  }

  /** The caller no longer waits. A call that has not left does not leave. */
  cancel(call: OutgoingCall): void {
    if (call.sent) this.#cancels.push(call.id);
    else this.#calls = this.#calls.filter((waiting) => waiting !== call);
    this.#schedule();
  }

  answer(answer: OutgoingAnswer): void {
    this.#answers.push(answer);
    this.#schedule();
  }

  message(topic: string, body: Uint8Array): void {
    this.#messages.push({ topic, body });
    this.#schedule();
  }

  ping(): void {
    this.#ping = true;
    this.#schedule();
  }

  pong(): void {
    this.#pong = true;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
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
    while (!this.#stopped && this.#waiting() && this.#link.bufferedBytes <= this.#highWaterBytes) {
      this.#writeFrame();
    }
  }

  #waiting(): boolean {
    const entries =
      this.#calls.length + this.#answers.length + this.#cancels.length + this.#messages.length;
    return entries > 0 || this.#ping || this.#pong;
  }

  #writeFrame(): void {
    const writer = this.#writer;
    const now = this.#clock.now();
    writer.reset();
    writer.reserve(LENGTH_BYTES);
    this.#answers = writeUpTo(writer, FRAME_BYTES, this.#answers, (answer) => {
      if ("reply" in answer) writeReply(writer, 5, answer.id, answer.reply);
      else writeError(writer, 5, answer.id, answer.error);
    });
    this.#calls = writeUpTo(writer, FRAME_BYTES, this.#calls, (call) => {
      writeCall(writer, 4, call.id, call.invocation, call.epochSeen, now);
      call.sent = true;
    });
    for (const id of this.#cancels) writer.presentUint(6, id);
    this.#cancels = [];
    this.#messages = writeUpTo(writer, FRAME_BYTES, this.#messages, ({ topic, body }) => {
      const mark = writer.begin(7);
      writer.string(1, topic);
      writer.bytes(2, body);
      writer.end(mark);
    });
    writer.bool(8, this.#ping);
    writer.bool(9, this.#pong);
    this.#ping = false;
    this.#pong = false;
    this.#link.send(writer.finish());
  }
}
