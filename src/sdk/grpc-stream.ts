import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { CallFailure } from "./call-failure.ts";
import type { HostStream } from "./host-session.ts";
import { ATTACH_PATH, CLOSE_TIMEOUT_MS, type StreamEvents } from "./web-socket-stream.ts";

const PREFIX_BYTES = 5;
const CODES = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

/** Opens a gRPC stream to a server, given its http (cleartext HTTP/2) or https address. */
export function openGrpcStream(url: string, events: StreamEvents): HostStream {
  const session = connect(url);
  const stream = new GrpcStream(session, events);
  session.once("error", (error: Error) =>
    stream.fail(new CallFailure("unavailable", error.message, "unknown")),
  );
  // A burst before the server's settings have come may exceed what it allows.
  session.once("remoteSettings", () => stream.open());
  return stream;
}

class GrpcStream implements HostStream {
  readonly #session: ClientHttp2Session;
  readonly #events: StreamEvents;
  #stream: ClientHttp2Stream | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #wanted = PREFIX_BYTES;
  #failure = new CallFailure("unavailable", "the connection to the server ended", "unknown");
  #closed = false;

  constructor(session: ClientHttp2Session, events: StreamEvents) {
    this.#session = session;
    this.#events = events;
  }

  open(): void {
    if (this.#closed) return;
    const stream = this.#session.request({
      ":method": "POST",
      ":path": ATTACH_PATH,
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => this.#push(chunk));
    stream.on("response", (headers) => this.#status(headers));
    stream.on("trailers", (headers) => this.#status(headers));
    stream.on("error", (error: Error) => {
      this.#failure = new CallFailure("unavailable", error.message, "unknown");
    });
    stream.on("close", () => this.fail(this.#failure));
    this.#events.opened();
  }

  send(frame: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed || stream.closed) return;
    const framed = Buffer.allocUnsafe(PREFIX_BYTES + frame.length);
    framed[0] = 0;
    framed.writeUInt32BE(frame.length, 1);
    framed.set(frame, PREFIX_BYTES);
    stream.write(framed);
  }

  close(): void {
    const stream = this.#stream;
    if (stream === undefined) return this.fail(this.#failure);
    stream.end();
    // A server that is gone never ends its side.
    setTimeout(() => this.fail(this.#failure), CLOSE_TIMEOUT_MS).unref();
  }

  fail(failure: CallFailure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.destroy();
    this.#events.closed(failure);
  }

  #status(headers: IncomingHttpHeaders): void {
    const status = headers["grpc-status"];
    if (typeof status !== "string" || status === "0") return;
    const message = headers["grpc-message"];
    const text = typeof message === "string" ? decodeURIComponent(message) : "";
    this.#failure = new CallFailure(CODES[Number(status)] ?? "unknown", text, "unknown");
  }

  /** Joins chunks only when a frame is whole: large frames come in many small ones. */
  #push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    for (;;) {
      const left = all.length - at;
      this.#wanted = PREFIX_BYTES + (left < PREFIX_BYTES ? 0 : all.readUInt32BE(at + 1));
      if (left < PREFIX_BYTES || left < this.#wanted) break;
      const end = at + this.#wanted;
      this.#events.frame(new Uint8Array(all.subarray(at + PREFIX_BYTES, end)));
      at = end;
    }
    const rest = all.subarray(at);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
  }
}
