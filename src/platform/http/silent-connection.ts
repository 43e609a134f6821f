import type { Socket } from "node:net";
import type { ListenerContext, LiveConnection } from "./listener-context.ts";

/** What the first bytes of a connection announce. */
export type FirstBytes = "tls" | "http2" | "http1";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/** Tells the protocols apart; `undefined` while the bytes may still become more than one. */
export function classify(bytes: Uint8Array): FirstBytes | undefined {
  if (bytes[0] === TLS_HANDSHAKE) {
    if (bytes.length === 1) return undefined;
    return bytes[1] === TLS_MAJOR ? "tls" : "http1";
  }
  const common = Math.min(bytes.length, PREFACE.length);
  for (let i = 0; i < common; i++) {
    if (bytes[i] !== PREFACE[i]) return "http1";
  }
  return common === PREFACE.length ? "http2" : undefined;
}

/** A clear connection that has not yet shown what it speaks. */
export class SilentConnection implements LiveConnection {
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #decided: (first: FirstBytes) => void;
  #seen: Buffer | undefined;
  #waitedTicks = 0;

  constructor(socket: Socket, context: ListenerContext, decided: (first: FirstBytes) => void) {
    this.#socket = socket;
    this.#context = context;
    this.#decided = decided;
    socket.on("readable", this.#onReadable);
  }

  tick(): void {
    const { ticks } = this.#context;
    this.#waitedTicks += 1;
    if (this.#seen !== undefined && this.#waitedTicks > ticks.header) {
      this.#context.rejected("header_timeout", this.#socket.remoteAddress ?? "");
      this.destroy();
    } else if (this.#waitedTicks > ticks.idle) {
      this.destroy();
    }
  }

  drain(): void {
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #onReadable = (): void => {
    const bytes = this.#socket.read() as Buffer | null;
    if (bytes === null) return;
    if (this.#seen === undefined) this.#waitedTicks = 0;
    this.#seen = this.#seen === undefined ? bytes : Buffer.concat([this.#seen, bytes]);
    const first = classify(this.#seen);
    if (first === undefined) return;
    this.#socket.off("readable", this.#onReadable);
    // What was looked at is put back: whoever serves the connection reads it from the start.
    this.#socket.unshift(this.#seen);
    this.#decided(first);
  };
}
