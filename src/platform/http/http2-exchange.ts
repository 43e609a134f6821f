import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type {
  BodyFailure,
  HttpHeaders,
  HttpRequest,
  HttpResponse,
  PeerCertificate,
} from "../../node/ports.ts";
import { Output, SLICE_BYTES } from "./output.ts";
import { type BodySource, RequestBody } from "./request-body.ts";
import { addFields, bodiless } from "./response-head.ts";
import { StallMeter } from "./stall-meter.ts";

/** What an exchange needs of the connection that carries it. */
export interface Http2Carrier {
  readonly secure: boolean;
  readonly remoteAddress: string;
  readonly peerCertificate: PeerCertificate | undefined;
  readonly stallTicks: number;
  readonly bodyTicks: number;
  /** A frame of the request body came. */
  progress(): void;
  closed(exchange: Http2Exchange): void;
  rejected(reason: string): void;
}

/** A stream knows its exchange, so that its events need no closure each. */
const EXCHANGE = Symbol("exchange");
type Carried = ServerHttp2Stream & { [EXCHANGE]?: Http2Exchange };

const END_STREAM = { endStream: true } as const;
const WAIT_FOR_TRAILERS = { waitForTrailers: true } as const;

function onData(this: Carried, chunk: Buffer): void {
  this[EXCHANGE]?.receive(chunk);
}
function onEnd(this: Carried): void {
  // Some runtimes fire `end` on a destroyed stream: that is no complete body.
  if (!this.destroyed && !this.aborted) this[EXCHANGE]?.incoming.finish();
}
function onGone(this: Carried): void {
  this[EXCHANGE]?.lost();
}
function onDrain(this: Carried): void {
  this[EXCHANGE]?.drained();
}
function onWantTrailers(this: Carried): void {
  this[EXCHANGE]?.sendTrailers();
}
function ignore(): void {
  // The `close` that follows tells the exchange; a stream without a listener would end the process.
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : value.join(", ");
}

function headerBlock(status: number, headers: HttpHeaders): Record<string, string | number> {
  const block: Record<string, string | number> = { ":status": status };
  addFields(block, headers);
  return block;
}

/** One HTTP/2 stream: the request and its answer. */
export class Http2Exchange implements HttpRequest, HttpResponse, BodySource {
  readonly #carrier: Http2Carrier;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly incoming: RequestBody;
  #output: Output | undefined;
  #stall: StallMeter | undefined;
  #state: "open" | "started" | "ended" | "gone" = "open";
  #trailers: HttpHeaders | undefined;
  #onAborted: (() => void) | undefined;

  constructor(
    carrier: Http2Carrier,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    bodyFollows: boolean,
  ) {
    this.#carrier = carrier;
    this.#stream = stream;
    this.#headers = headers;
    this.incoming = new RequestBody(this);
    (stream as Carried)[EXCHANGE] = this;
    if (bodyFollows) {
      stream.on("data", onData);
      stream.on("end", onEnd);
    } else {
      this.incoming.finish();
      stream.resume();
    }
    stream.on("aborted", onGone);
    stream.on("close", onGone);
    stream.on("error", ignore);
  }

  get method(): string {
    return this.#headers[":method"] ?? "";
  }
  get target(): string {
    return this.#headers[":path"] ?? "";
  }
  get httpVersion(): 2 {
    return 2;
  }
  get secure(): boolean {
    return this.#carrier.secure;
  }
  get remoteAddress(): string {
    return this.#carrier.remoteAddress;
  }
  get peerCertificate(): PeerCertificate | undefined {
    return this.#carrier.peerCertificate;
  }
  get closed(): boolean {
    return this.#state === "gone" || this.#state === "ended" || this.#dead();
  }

  header(name: string): string | undefined {
    const value = joined(this.#headers[name]);
    // HTTP/2 names the host in a pseudo field (RFC 9113, section 8.3.1).
    return value === undefined && name === "host" ? this.#headers[":authority"] : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    if (this.#headers.host === undefined && this.#headers[":authority"] !== undefined) {
      yield ["host", this.#headers[":authority"]];
    }
    for (const name in this.#headers) {
      const value = joined(this.#headers[name]);
      if (value !== undefined && !name.startsWith(":")) yield [name, value];
    }
  }

  readBody(
    limitBytes: number,
    done: (failure: BodyFailure | undefined, body: Uint8Array) => void,
  ): void {
    this.incoming.readWhole(limitBytes, done);
  }

  body(): AsyncIterable<Uint8Array> {
    return this.incoming.stream();
  }

  onAborted(listener: () => void): void {
    this.#onAborted = listener;
  }

  send(
    status: number,
    headers: HttpHeaders,
    body: Uint8Array | string,
    trailers?: HttpHeaders,
  ): void {
    if (this.#state !== "open" || this.#dead()) return;
    const bytes = body.length === 0 || bodiless(status) ? undefined : body;
    if (bytes === undefined && trailers === undefined) {
      this.#state = "ended";
      this.#stream.respond(headerBlock(status, headers), END_STREAM);
      this.#afterEnd();
    } else if (bytes === undefined || bytes.length > SLICE_BYTES) {
      this.start(status, headers, trailers !== undefined);
      if (bytes !== undefined) {
        void this.write(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
      }
      this.end(trailers);
    } else {
      this.#respond(status, headers, trailers !== undefined);
      this.#state = "ended";
      this.#trailers = trailers;
      this.#stream.end(bytes);
      this.#afterEnd();
    }
  }

  /** `trailersFollow` is known when the whole answer is; a stream that has none then ends without them. */
  start(status: number, headers: HttpHeaders, trailersFollow = true): void {
    if (this.#state !== "open" || this.#dead()) return;
    this.#respond(status, headers, trailersFollow);
    this.#state = "started";
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#state !== "started" || this.#dead() || chunk.length === 0) return undefined;
    return this.#outgoing().write(chunk);
  }

  end(trailers?: HttpHeaders): void {
    if (this.#state === "open") this.start(200, {});
    if (this.#state !== "started") return;
    this.#trailers = trailers;
    const finish = (): void => {
      if (this.#state !== "started" || this.#dead()) return;
      this.#state = "ended";
      this.#stream.end();
      this.#output?.release();
      this.#afterEnd();
    };
    if (this.#output === undefined) finish();
    else this.#output.afterwards(finish);
  }

  reset(): void {
    if (this.#state === "gone") return;
    this.#leave();
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  pauseBody(): void {
    this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  receive(chunk: Uint8Array): void {
    this.#carrier.progress();
    this.incoming.push(chunk);
  }

  /** The stream has room again. */
  drained(): void {
    this.#stall?.progress();
    this.#output?.drained();
  }

  /** The last thing of an answer with trailers; asked for by the stream. */
  sendTrailers(): void {
    if (this.#dead()) return;
    const block = {};
    if (this.#trailers !== undefined) addFields(block, this.#trailers);
    this.#stream.sendTrailers(block);
  }

  /** The stream is over, by its nature, by the peer, or with its connection. Called more than once. */
  lost(): void {
    const unfinished = this.#state === "open" || this.#state === "started";
    if (this.#stream.destroyed) this.#carrier.closed(this);
    this.incoming.abort();
    if (!unfinished) return;
    const listener = this.#onAborted;
    this.#leave();
    listener?.();
  }

  /** Enforces the limits of a waiting body and of a peer that does not read. */
  tick(): void {
    if (this.incoming.tick(this.#carrier.bodyTicks) === "expired") {
      this.#carrier.rejected("body_timeout");
    }
    this.#stall ??= new StallMeter(this.#carrier.stallTicks);
    // An ended answer whose end is not acknowledged by the stream waits for the peer as well.
    const waiting = this.#stream.writableLength + (this.#unflushed() ? 1 : 0);
    if (!this.#stall.tick(waiting)) return;
    this.#carrier.rejected("write_stall");
    this.lost();
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #unflushed(): boolean {
    return this.#state === "ended" && !this.#stream.destroyed && !this.#stream.writableFinished;
  }

  /** `respond` throws on such a stream, and on some runtimes that would end the process. */
  #dead(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #respond(status: number, headers: HttpHeaders, trailersFollow: boolean): void {
    const fields = headerBlock(status, headers);
    if (trailersFollow) {
      this.#stream.on("wantTrailers", onWantTrailers);
      this.#stream.respond(fields, WAIT_FOR_TRAILERS);
    } else {
      this.#stream.respond(fields);
    }
  }

  #outgoing(): Output {
    if (this.#output === undefined) {
      this.#output = new Output(this.#stream);
      this.#stream.on("drain", onDrain);
    }
    return this.#output;
  }

  /** An answer before the end of the request: the client is told to stop sending (RFC 9113, section 8.1). */
  #afterEnd(): void {
    this.#onAborted = undefined;
    if (this.incoming.complete) return;
    this.incoming.discard();
    const stream = this.#stream;
    const stop = (): void => {
      if (!stream.destroyed && !stream.closed && !this.incoming.complete) {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    };
    if (stream.writableFinished) setImmediate(stop);
    else stream.once("finish", () => setImmediate(stop));
  }

  #leave(): void {
    this.#state = "gone";
    this.#onAborted = undefined;
    this.#output?.abandon();
    this.incoming.abort();
  }
}
