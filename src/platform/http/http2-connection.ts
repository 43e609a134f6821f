import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Socket } from "node:net";
import type { PeerCertificate } from "../../node/ports.ts";
import { FrameBudget, frameCounterOf } from "./frame-budget.ts";
import { type Http2Carrier, Http2Exchange } from "./http2-exchange.ts";
import type { ListenerContext, LiveConnection } from "./listener-context.ts";
import { peerCertificateOf } from "./peer-certificate.ts";

/** Pings and settings that a peer may send within one second. */
const MOST_CONTROL_FRAMES = 100;
/** The same while it has streams: clients measure their bandwidth by a ping with each round trip. */
const MOST_CONTROL_FRAMES_WITH_STREAMS = 10_000;
const CONTROL_WINDOW_MS = 1000;
/** The largest stream id: the first GOAWAY of a drain refuses nothing yet (RFC 9113, section 6.8). */
const LARGEST_STREAM_ID = 2 ** 31 - 1;

/** One HTTP/2 connection: its streams, and the guards that its session does not have itself. */
export class Http2Connection implements LiveConnection, Http2Carrier {
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #context: ListenerContext;
  readonly #exchanges = new Set<Http2Exchange>();
  readonly #frames: FrameBudget;
  readonly secure: boolean;
  readonly remoteAddress: string;
  readonly stallTicks: number;
  readonly bodyTicks: number;
  #certificate: PeerCertificate | undefined;
  #controlFrames = 0;
  #controlTicks = 0;
  #idleTicks = 0;
  #draining: "no" | "announced" | "closing" = "no";

  constructor(
    socket: Socket,
    session: ServerHttp2Session,
    context: ListenerContext,
    secure: boolean,
  ) {
    this.#socket = socket;
    this.#session = session;
    this.#context = context;
    this.#frames = new FrameBudget(frameCounterOf(session), context.ticks.tickMs);
    this.secure = secure;
    this.remoteAddress = socket.remoteAddress ?? "";
    this.stallTicks = context.ticks.stall;
    this.bodyTicks = context.ticks.body;
    session.on("stream", (stream, headers, flags) => this.#begin(stream, headers, flags));
    session.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
    session.on("ping", () => this.#control());
    session.on("remoteSettings", () => this.#control());
  }

  get peerCertificate(): PeerCertificate | undefined {
    if (this.secure) this.#certificate ??= peerCertificateOf(this.#socket);
    return this.#certificate;
  }

  progress(): void {
    this.#frames.progress();
  }

  closed(exchange: Http2Exchange): void {
    this.#exchanges.delete(exchange);
  }

  rejected(reason: string): void {
    this.#context.rejected(reason, this.remoteAddress);
  }

  tick(): void {
    if (this.#draining === "announced") {
      this.#draining = "closing";
      if (!this.#session.destroyed) this.#session.close();
    }
    for (const exchange of this.#exchanges) exchange.tick();
    this.#controlTicks += 1;
    if (this.#controlTicks * this.#context.ticks.tickMs >= CONTROL_WINDOW_MS) {
      this.#controlTicks = 0;
      this.#controlFrames = 0;
    }
    if (this.#frames.exceeded()) {
      this.#flood();
      return;
    }
    this.#idleTicks = this.#exchanges.size > 0 ? 0 : this.#idleTicks + 1;
    if (this.#idleTicks > this.#context.ticks.idle + this.#context.ticks.header) this.destroy();
    else if (this.#idleTicks === this.#context.ticks.idle + 1) this.drain();
    else if (this.#draining === "closing" && this.#idleTicks > this.#context.ticks.header) {
      this.destroy();
    }
  }

  drain(): void {
    if (this.#draining !== "no" || this.#session.destroyed) return;
    this.#draining = "announced";
    // Streams that the client opened before it reads this are still served; the next tick names the last one.
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, LARGEST_STREAM_ID);
  }

  destroy(): void {
    if (!this.#session.destroyed) this.#session.destroy();
    this.#socket.destroy();
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number): void {
    const bodyFollows = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const exchange = new Http2Exchange(this, stream, headers, bodyFollows);
    this.#exchanges.add(exchange);
    this.#frames.progress();
    if (!headers[":method"] || !headers[":path"]) {
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    try {
      this.#context.handler.request(exchange, exchange);
    } catch {
      this.rejected("handler_threw");
      exchange.send(500, {}, "");
    }
  }

  #control(): void {
    this.#controlFrames += 1;
    const most = this.#exchanges.size > 0 ? MOST_CONTROL_FRAMES_WITH_STREAMS : MOST_CONTROL_FRAMES;
    if (this.#controlFrames > most) this.#flood();
  }

  #flood(): void {
    if (this.#session.destroyed) return;
    this.rejected("http2_flood");
    this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#socket.destroy();
  }

  #onError(error: NodeJS.ErrnoException): void {
    // A connection that breaks is everyday life; one that breaks the protocol is worth a count.
    if (error.code?.startsWith("ERR_HTTP2")) this.rejected("http2_protocol");
  }
}
