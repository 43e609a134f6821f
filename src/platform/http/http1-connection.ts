import type { Socket } from "node:net";
import type { PeerCertificate } from "../../node/ports.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { type Http1Carrier, Http1Exchange } from "./http1-exchange.ts";
import { parseHead, type RequestHead } from "./http1-head.ts";
import type { ListenerContext, LiveConnection } from "./listener-context.ts";
import { peerCertificateOf } from "./peer-certificate.ts";
import { type HttpDate, statusLine } from "./response-head.ts";
import { StallMeter } from "./stall-meter.ts";
import type { WebSocketGate } from "./web-socket-gate.ts";

const HEAD_END = "\r\n\r\n";
/** How long an ended connection goes on reading, so that the peer can read the answer before a reset. */
const LINGER_MS = 2000;

/** What an HTTP/1.1 connection needs beyond the context of its listener. */
export interface Http1Services {
  readonly date: HttpDate;
  readonly webSockets: WebSocketGate;
}

/** One HTTP/1.1 connection: requests one after the other, pipelined or not (RFC 9112). */
export class Http1Connection implements LiveConnection, Http1Carrier {
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #services: Http1Services;
  readonly #stall: StallMeter;
  readonly secure: boolean;
  readonly remoteAddress: string;
  #certificate: PeerCertificate | undefined;
  /** Bytes received and not yet used. */
  #rest: Buffer | undefined;
  #exchange: Http1Exchange | undefined;
  #bodyLeft = 0;
  #decoder: ChunkedDecoder | undefined;
  #advancing = false;
  #bodyPaused = false;
  #socketPaused = false;
  #phase: "serving" | "lingering" | "upgraded" | "closed" = "serving";
  /** The peer has sent something: until then a drain lets it say what it came for. */
  #heard = false;
  #waitedTicks = 0;
  #draining = false;
  #link: LiveConnection | undefined;

  constructor(socket: Socket, context: ListenerContext, services: Http1Services, secure: boolean) {
    this.#socket = socket;
    this.#context = context;
    this.#services = services;
    this.#stall = new StallMeter(context.ticks.stall);
    this.secure = secure;
    this.remoteAddress = socket.remoteAddress ?? "";
    socket.on("data", this.#onData);
    socket.on("drain", this.#onDrain);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  get peerCertificate(): PeerCertificate | undefined {
    if (this.secure) this.#certificate ??= peerCertificateOf(this.#socket);
    return this.#certificate;
  }
  get date(): HttpDate {
    return this.#services.date;
  }
  get closing(): boolean {
    return this.#draining;
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#phase === "closed") return true;
    return typeof bytes === "string"
      ? this.#socket.write(bytes, "utf8")
      : this.#socket.write(bytes);
  }

  pauseBody(): void {
    this.#bodyPaused = true;
    this.#flow();
  }

  resumeBody(): void {
    this.#bodyPaused = false;
    this.#flow();
  }

  ended(keepAlive: boolean): void {
    this.#exchange = undefined;
    this.#decoder = undefined;
    this.#bodyPaused = false;
    this.#waitedTicks = 0;
    if (keepAlive && !this.closing) this.#advance();
    else this.#linger();
    this.#flow();
  }

  tick(): void {
    if (this.#link !== undefined) {
      this.#link.tick();
      return;
    }
    const { ticks } = this.#context;
    if (this.#stall.tick(this.#socket.writableLength)) {
      this.#reject("write_stall");
      return;
    }
    if (this.#exchange !== undefined) {
      if (this.#exchange.incoming.tick(ticks.body) === "expired") {
        this.#context.rejected("body_timeout", this.remoteAddress);
      }
      return;
    }
    this.#waitedTicks += 1;
    if (this.#phase === "lingering") {
      if (this.#waitedTicks * ticks.tickMs > LINGER_MS) this.destroy();
    } else if (this.#rest !== undefined) {
      if (this.#waitedTicks > ticks.header) this.#refuse(408, "header_timeout");
    } else if (this.#waitedTicks > ticks.idle) {
      this.destroy();
    }
  }

  drain(): void {
    this.#draining = true;
    if (this.#link !== undefined) this.#link.drain();
    else if (this.#heard && this.#exchange === undefined && this.#rest === undefined) {
      this.#linger();
    }
  }

  destroy(): void {
    this.#link?.destroy();
    this.#socket.destroy();
    this.#close();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#phase !== "serving") return;
    this.#heard = true;
    if (this.#rest === undefined) {
      if (this.#exchange === undefined) this.#waitedTicks = 0;
      this.#rest = chunk;
    } else {
      this.#rest = Buffer.concat([this.#rest, chunk]);
    }
    this.#advance();
    this.#flow();
  };

  readonly #onDrain = (): void => {
    this.#stall.progress();
    this.#exchange?.drained();
  };

  /** A half-closed client counts as gone, as it does for a client that simply exits. */
  readonly #onEnd = (): void => {
    this.#close();
  };

  /** Uses what has been received. Not re-entered: an answer given at once comes back here by the loop. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    let moved = true;
    while (moved && this.#rest !== undefined && this.#phase === "serving") {
      moved = this.#exchange === undefined ? this.#takeHead() : this.#takeBody(this.#exchange);
    }
    this.#advancing = false;
  }

  #takeHead(): boolean {
    let bytes = this.#rest as Buffer;
    // One empty line before a request is forgiven (RFC 9112, section 2.2).
    if (bytes[0] === 13 && bytes[1] === 10) bytes = bytes.subarray(2);
    this.#rest = bytes.length === 0 ? undefined : bytes;
    if (bytes.length === 0) return false;
    const end = bytes.indexOf(HEAD_END, 0, "latin1");
    const { maxHeaderBytes, maxHeaderCount } = this.#context.limits;
    if (end > maxHeaderBytes || (end < 0 && bytes.length > maxHeaderBytes)) {
      this.#refuse(431, "header_too_large");
      return false;
    }
    if (end < 0) return false;
    const head = parseHead(bytes.toString("latin1", 0, end + 2), maxHeaderCount);
    if (head.kind === "refusal") {
      this.#refuse(head.status, "http_malformed");
      return false;
    }
    const used = end + HEAD_END.length;
    this.#rest = used === bytes.length ? undefined : bytes.subarray(used);
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const exchange = new Http1Exchange(this, head);
    this.#exchange = exchange;
    this.#waitedTicks = 0;
    if (head.framing.kind === "none") exchange.incoming.finish();
    else if (head.framing.kind === "chunked") this.#decoder = new ChunkedDecoder();
    else this.#bodyLeft = head.framing.bytes;
    // What came with the head is handed in first: the common small body is whole when it is asked for.
    if (this.#rest !== undefined && head.framing.kind !== "none") this.#takeBody(exchange);
    if (this.#phase !== "serving") return;
    try {
      if (head.webSocket) this.#upgrade(head, exchange);
      else this.#context.handler.request(exchange, exchange);
    } catch {
      this.#context.rejected("handler_threw", this.remoteAddress);
      exchange.send(500, {}, "");
    }
  }

  /** Hands received bytes to the body; answers false when there is nothing (more) to hand over. */
  #takeBody(exchange: Http1Exchange): boolean {
    const bytes = this.#rest;
    if (bytes === undefined || exchange.incoming.complete) return false;
    let used: number;
    if (this.#decoder === undefined) {
      used = Math.min(bytes.length, this.#bodyLeft);
      this.#bodyLeft -= used;
      this.#keepRest(bytes, used);
      exchange.incoming.push(used === bytes.length ? bytes : bytes.subarray(0, used));
      if (this.#bodyLeft === 0) exchange.incoming.finish();
      return true;
    }
    const decoder = this.#decoder;
    this.#rest = undefined;
    used = decoder.feed(bytes, 0, (data) => exchange.incoming.push(data));
    if (used < 0) {
      this.#refuse(400, "http_malformed");
      return false;
    }
    this.#keepRest(bytes, used);
    if (decoder.done) exchange.incoming.finish();
    return true;
  }

  #keepRest(bytes: Buffer, used: number): void {
    this.#rest = used === bytes.length ? undefined : bytes.subarray(used);
  }

  #upgrade(head: RequestHead, exchange: Http1Exchange): void {
    const { handler } = this.#context;
    const decision = this.closing
      ? ({ kind: "refuse", status: 503, message: "draining" } as const)
      : handler.upgrade(exchange);
    if (decision.kind === "refuse") {
      exchange.send(decision.status, { "content-type": "text/plain" }, decision.message);
      return;
    }
    this.#phase = "upgraded";
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("end", this.#onEnd);
    const early = this.#rest ?? Buffer.alloc(0);
    this.#rest = undefined;
    this.#exchange = undefined;
    this.#link = this.#services.webSockets.open(socket, head, early, decision);
  }

  /** Answers what must not be served and ends the connection. */
  #refuse(status: number, reason: string): void {
    this.#context.rejected(reason, this.remoteAddress);
    if (this.#exchange?.answering !== true) {
      this.write(`${statusLine(status)}content-length: 0\r\nconnection: close\r\n\r\n`);
    }
    this.#exchange?.lost();
    this.#exchange = undefined;
    this.#linger();
  }

  #reject(reason: string): void {
    this.#context.rejected(reason, this.remoteAddress);
    this.destroy();
  }

  #linger(): void {
    if (this.#phase !== "serving") return;
    this.#phase = "lingering";
    this.#rest = undefined;
    this.#waitedTicks = 0;
    this.#socket.end();
  }

  #close(): void {
    if (this.#phase === "closed" || this.#phase === "upgraded") return;
    this.#phase = "closed";
    this.#rest = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.lost();
  }

  /** Reading stops while the body has no reader, or while a pipelined request waits for its turn. */
  #flow(): void {
    const pipelined = this.#rest !== undefined && this.#exchange?.incoming.complete === true;
    const pause = this.#phase === "serving" && (this.#bodyPaused || pipelined);
    if (pause === this.#socketPaused) return;
    this.#socketPaused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }
}
