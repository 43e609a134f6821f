/** Cheap load clients on raw sockets: they cost less than the server that they measure. */
import { connect, type Socket } from "node:net";

export const HEADERS = 1;
export const DATA = 0;
export const RESET = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
export const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
/** Credit is given back in large steps, as real clients do. */
const CREDIT_STEP_BYTES = 1024 * 1024;
const STREAM_CREDIT_BYTES = 2 ** 31 - 1;

/** What a client tells of each exchange that has ended. */
export type Ended = (outcome: "ok" | "failed") => void;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

export function field(name: string, value: string): Buffer {
  const text = (part: string): Buffer =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

export function headerBlock(
  path: string,
  contentType = "application/grpc",
  authority = "a",
): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x41, authority.length]),
    Buffer.from(authority),
    Buffer.from([0x04, path.length]),
    Buffer.from(path),
    field("content-type", contentType),
    field("te", "trailers"),
    field("user-agent", "raw"),
    field("grpc-timeout", "10S"),
  ]);
}

/** Takes frames apart; the state of one HTTP/2 client connection. */
export class RawHttp2Connection {
  readonly #socket: Socket;
  #rest: Buffer | undefined;
  #out: Buffer[] = [];
  #uncredited = 0;
  #nextStream = 1;
  readonly #onFrame: (type: number, flags: number, stream: number, payload: Buffer) => void;

  constructor(
    port: number,
    onFrame: (type: number, flags: number, stream: number, payload: Buffer) => void,
  ) {
    this.#onFrame = onFrame;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#socket.on("error", () => {});
    this.#socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const settings = Buffer.from([0, 4, 0, 0, 0, 0]);
    settings.writeUInt32BE(STREAM_CREDIT_BYTES, 2);
    this.send(SETTINGS, 0, 0, settings);
    this.#credit(CREDIT_STEP_BYTES * 64);
    this.flush();
  }

  onClose(listener: () => void): void {
    this.#socket.on("close", listener);
  }

  open(block: Buffer, ends: boolean): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.send(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, block);
    return stream;
  }

  data(stream: number, payload: Uint8Array, ends: boolean): void {
    this.send(DATA, ends ? END_STREAM : 0, stream, payload);
  }

  send(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.#out.push(frame(type, flags, stream, payload));
  }

  flush(): void {
    if (this.#out.length > 0) this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #credit(bytes: number): void {
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(bytes);
    this.send(WINDOW_UPDATE, 0, 0, increment);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      const type = bytes[at + 3] ?? 0;
      const flags = bytes[at + 4] ?? 0;
      const payload = bytes.subarray(at + 9, at + 9 + length);
      if (type === SETTINGS && (flags & ACK) === 0) this.send(SETTINGS, ACK, 0, Buffer.alloc(0));
      if (type === GOAWAY) console.error(`goaway ${payload.readUInt32BE(4)}`);
      if (type === DATA) this.#uncredited += length;
      this.#onFrame(type, flags, bytes.readUInt32BE(at + 5), payload);
      at += 9 + length;
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at);
    if (this.#uncredited >= CREDIT_STEP_BYTES) {
      this.#credit(this.#uncredited);
      this.#uncredited = 0;
    }
    this.flush();
  }
}

/** Keeps `inFlight` unary calls running on one connection until `more` says no. */
export function unaryHttp2(
  port: number,
  inFlight: number,
  body: Uint8Array,
  more: () => boolean,
  ended: Ended,
): RawHttp2Connection {
  const block = headerBlock("/unary");
  const begin = (): void => connection.data(connection.open(block, false), body, true);
  const connection = new RawHttp2Connection(port, (type, flags) => {
    const over = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
    if (!over && type !== RESET) return;
    ended(over ? "ok" : "failed");
    if (more()) begin();
  });
  for (let i = 0; i < inFlight; i++) begin();
  connection.flush();
  return connection;
}

interface Bidi {
  left: number;
  awaitedBytes: number;
}

/** Keeps `inFlight` bidi calls running: `messages` each way, every one sent after the echo of the last. */
export function bidiHttp2(
  port: number,
  inFlight: number,
  messages: number,
  body: Uint8Array,
  more: () => boolean,
  ended: Ended,
  progress: () => void,
): RawHttp2Connection {
  const block = headerBlock("/bidi");
  const calls = new Map<number, Bidi>();
  const begin = (): void => {
    const stream = connection.open(block, false);
    calls.set(stream, { left: messages - 1, awaitedBytes: body.length });
    connection.data(stream, body, false);
  };
  const connection = new RawHttp2Connection(port, (type, flags, stream, payload) => {
    const state = calls.get(stream);
    if (state === undefined) return;
    progress();
    if (type === DATA) state.awaitedBytes -= payload.length;
    if (type === DATA && state.awaitedBytes === 0 && state.left >= 0) {
      if (state.left > 0) {
        state.awaitedBytes = body.length;
        connection.data(stream, body, false);
      } else {
        connection.data(stream, Buffer.alloc(0), true);
      }
      state.left -= 1;
    }
    const over = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
    if (!over && type !== RESET) return;
    calls.delete(stream);
    ended(over && state.left === -1 && state.awaitedBytes === 0 ? "ok" : "failed");
    if (more()) begin();
  });
  for (let i = 0; i < inFlight; i++) begin();
  connection.flush();
  return connection;
}

/** One keep-alive HTTP/1.1 connection that posts `body` again and again until `more` says no. */
export function unaryHttp1(
  port: number,
  body: Uint8Array,
  more: () => boolean,
  ended: Ended,
): Socket {
  const head = `POST /unary HTTP/1.1\r\nhost: a\r\ncontent-type: application/proto\r\nconnect-protocol-version: 1\r\nuser-agent: raw\r\ncontent-length: ${body.length}\r\n\r\n`;
  const request = Buffer.concat([Buffer.from(head), body]);
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("error", () => {});
  let received = "";
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString("latin1");
    const headEnd = received.indexOf("\r\n\r\n");
    if (headEnd < 0 || received.length < headEnd + 4 + body.length) return;
    ended(received.startsWith("HTTP/1.1 200") ? "ok" : "failed");
    received = "";
    if (more()) socket.write(request);
  });
  socket.write(request);
  return socket;
}
