import { connect, type Socket } from "node:net";
import { DATA, END_STREAM, HEADERS, RawHttp2Connection, RESET } from "../listener/raw-clients.ts";
import type { PreparedCall } from "./calls.ts";

/** Told of each answer: the body, or `undefined` for anything but success. */
export type Answered = (body: Uint8Array | undefined) => void;

/** One connection of the load. */
export interface Lane {
  call(prepared: PreparedCall, answered: Answered): void;
  close(): void;
}

const LENGTH = "content-length: ";

/** One keep-alive HTTP/1.1 connection with one call at a time. Knows answers with a length only. */
export class Http1Lane implements Lane {
  readonly #socket: Socket;
  #answered: Answered | undefined;
  #rest: Buffer | undefined;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => this.#answer(undefined));
  }

  call({ http1 }: PreparedCall, answered: Answered): void {
    this.#answered = answered;
    this.#socket.write(http1);
  }

  close(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    const whole = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = whole;
    const end = whole.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = whole.toString("latin1", 0, end);
    const at = head.indexOf(LENGTH);
    const length = at < 0 ? 0 : Number.parseInt(head.slice(at + LENGTH.length), 10);
    if (whole.length < end + 4 + length) return;
    this.#rest = undefined;
    const fine = head.startsWith("HTTP/1.1 200");
    this.#answer(fine ? whole.subarray(end + 4, end + 4 + length) : undefined);
  }

  #answer(body: Uint8Array | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(body);
  }
}

interface OpenCall {
  readonly answered: Answered;
  body: Uint8Array | undefined;
}

/** One HTTP/2 connection with many calls at a time. */
export class Http2Lane implements Lane {
  readonly #connection: RawHttp2Connection;
  readonly #calls = new Map<number, OpenCall>();
  #scheduled = false;

  constructor(port: number) {
    this.#connection = new RawHttp2Connection(port, (type, flags, stream, payload) =>
      this.#take(type, flags, stream, payload),
    );
    this.#connection.onClose(() => {
      for (const { answered } of this.#calls.values()) answered(undefined);
      this.#calls.clear();
    });
  }

  call({ block, body }: PreparedCall, answered: Answered): void {
    const stream = this.#connection.open(block, false);
    this.#connection.data(stream, body, true);
    this.#calls.set(stream, { answered, body: undefined });
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#connection.flush();
    });
  }

  close(): void {
    this.#calls.clear();
    this.#connection.destroy();
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    if (type === DATA && payload.length > 0) {
      call.body = call.body === undefined ? payload : Buffer.concat([call.body, payload]);
    }
    const over = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
    if (!over && type !== RESET) return;
    this.#calls.delete(stream);
    call.answered(over ? call.body : undefined);
  }
}
