import type {
  BodyFailure,
  HttpHeaders,
  HttpRequest,
  HttpResponse,
  PeerCertificate,
} from "../../node/ports.ts";
import type { RequestHead } from "./http1-head.ts";
import { Output, SLICE_BYTES } from "./output.ts";
import { type BodySource, RequestBody } from "./request-body.ts";
import { bodiless, fieldLines, type HttpDate, statusLine } from "./response-head.ts";

/** What an exchange needs of the connection that carries it. */
export interface Http1Carrier extends BodySource {
  readonly secure: boolean;
  readonly remoteAddress: string;
  readonly peerCertificate: PeerCertificate | undefined;
  readonly date: HttpDate;
  /** No further request is to be read from this connection. */
  readonly closing: boolean;
  write(bytes: Uint8Array | string): boolean;
  /** The answer has been handed over; `keepAlive` if the connection may serve another request. */
  ended(keepAlive: boolean): void;
  destroy(): void;
}

const CRLF = "\r\n";
const LAST_CHUNK = "0\r\n";

/** One HTTP/1.1 request and its answer. */
export class Http1Exchange implements HttpRequest, HttpResponse {
  readonly #carrier: Http1Carrier;
  readonly #head: RequestHead;
  readonly incoming: RequestBody;
  #output: Output | undefined;
  #state: "open" | "started" | "ended" | "gone" = "open";
  #bodyAllowed = true;
  #chunked = false;
  #keepAlive = false;
  #continueDue: boolean;
  #onAborted: (() => void) | undefined;

  constructor(carrier: Http1Carrier, head: RequestHead) {
    this.#carrier = carrier;
    this.#head = head;
    this.#continueDue = head.expectsContinue;
    this.incoming = new RequestBody(carrier);
  }

  get method(): string {
    return this.#head.method;
  }
  get target(): string {
    return this.#head.target;
  }
  get httpVersion(): 1 {
    return 1;
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
    return this.#state === "gone" || this.#state === "ended";
  }

  /** The head of the answer has been written. */
  get answering(): boolean {
    return this.#state !== "open";
  }

  header(name: string): string | undefined {
    return this.#head.fields.get(name);
  }

  headers(): Iterable<readonly [string, string]> {
    return this.#head.fields;
  }

  readBody(
    limitBytes: number,
    done: (failure: BodyFailure | undefined, body: Uint8Array) => void,
  ): void {
    const { framing } = this.#head;
    if (framing.kind === "length" && framing.bytes > limitBytes) {
      // Refused by its declaration: not one byte of the body is waited for.
      this.incoming.discard();
      done("too_large", new Uint8Array(0));
      return;
    }
    this.#sendContinue();
    this.incoming.readWhole(limitBytes, done);
  }

  body(): AsyncIterable<Uint8Array> {
    this.#sendContinue();
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
    if (this.#state !== "open") return;
    const text = typeof body === "string";
    if (trailers !== undefined) {
      this.start(status, headers);
      void this.write(text ? Buffer.from(body) : body);
      this.end(trailers);
      return;
    }
    this.#decideKeepAlive();
    this.#state = "started";
    const bytes = text ? Buffer.byteLength(body) : body.length;
    const empty = bodiless(status);
    const head = this.#headText(status, headers, empty ? "" : `content-length: ${bytes}\r\n`);
    if (bytes === 0 || empty || this.#head.method === "HEAD") {
      this.#carrier.write(head);
    } else if (text) {
      this.#carrier.write(head + body);
    } else if (bytes <= SLICE_BYTES) {
      const whole = Buffer.allocUnsafe(head.length + bytes);
      whole.write(head, 0, "latin1");
      whole.set(body, head.length);
      this.#carrier.write(whole);
    } else {
      this.#carrier.write(head);
      void this.#outgoing().write(body);
    }
    if (this.#output === undefined) this.#finish();
    else this.#output.afterwards(() => this.#finish());
  }

  start(status: number, headers: HttpHeaders): void {
    if (this.#state !== "open") return;
    this.#state = "started";
    this.#bodyAllowed = !bodiless(status) && this.#head.method !== "HEAD";
    // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
    this.#chunked = this.#head.minorVersion === 1 && !bodiless(status);
    this.#keepAlive = this.#head.keepAlive && !this.#carrier.closing;
    const framing = this.#chunked ? "transfer-encoding: chunked\r\n" : "";
    this.#carrier.write(this.#headText(status, headers, framing));
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#state !== "started" || !this.#bodyAllowed || chunk.length === 0) return undefined;
    return this.#outgoing().write(chunk);
  }

  end(trailers?: HttpHeaders): void {
    if (this.#state === "open") this.start(200, {});
    if (this.#state !== "started") return;
    const finish = (): void => {
      if (this.#chunked && this.#bodyAllowed) {
        this.#carrier.write(LAST_CHUNK + (trailers ? fieldLines(trailers) : "") + CRLF);
      }
      // What the client still sends of its body is not read, so this connection cannot go on.
      if (!this.incoming.complete) this.#keepAlive = false;
      this.#finish();
    };
    if (this.#output === undefined) finish();
    else this.#output.afterwards(finish);
  }

  reset(): void {
    if (this.#state === "ended" || this.#state === "gone") return;
    this.#leave();
    this.#carrier.destroy();
  }

  /** The socket has room again. */
  drained(): void {
    this.#output?.drained();
  }

  /** The connection is lost. */
  lost(): void {
    const unfinished = this.#state === "open" || this.#state === "started";
    this.incoming.abort();
    if (!unfinished) return;
    const listener = this.#onAborted;
    this.#leave();
    listener?.();
  }

  /** Made for answers in parts or of more than a slice only: the common small one needs none. */
  #outgoing(): Output {
    this.#output ??= new Output({ write: (slice) => this.#writeSlice(slice) });
    return this.#output;
  }

  #leave(): void {
    this.#state = "gone";
    this.#onAborted = undefined;
    this.#output?.abandon();
  }

  #finish(): void {
    if (this.#state !== "started") return;
    this.#state = "ended";
    this.#onAborted = undefined;
    this.incoming.discard();
    this.#output?.release();
    this.#carrier.ended(this.#keepAlive);
  }

  #decideKeepAlive(): void {
    this.#keepAlive = this.#head.keepAlive && !this.#carrier.closing && this.incoming.complete;
  }

  #headText(status: number, headers: HttpHeaders, framing: string): string {
    const connection = this.#keepAlive ? "" : "connection: close\r\n";
    const date = `date: ${this.#carrier.date.text()}\r\n`;
    return statusLine(status) + fieldLines(headers) + date + framing + connection + CRLF;
  }

  #sendContinue(): void {
    if (!this.#continueDue || this.#state !== "open") return;
    this.#continueDue = false;
    if (!this.incoming.complete) this.#carrier.write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  #writeSlice(slice: Uint8Array): boolean {
    if (!this.#chunked) return this.#carrier.write(slice);
    const size = `${slice.length.toString(16)}${CRLF}`;
    const framed = Buffer.allocUnsafe(size.length + slice.length + 2);
    framed.write(size, 0, "latin1");
    framed.set(slice, size.length);
    framed.write(CRLF, size.length + slice.length, "latin1");
    return this.#carrier.write(framed);
  }
}
