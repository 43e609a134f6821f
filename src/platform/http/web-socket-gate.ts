import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { WebSocketDecision, WebSocketLink } from "../../node/ports.ts";
import type { RequestHead } from "./http1-head.ts";
import type { ListenerContext, LiveConnection } from "./listener-context.ts";
import { StallMeter } from "./stall-meter.ts";

/** Waiting bytes beyond which the application is asked to wait for a drain. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** A peer that lets this many messages of the largest size wait is cut off. */
const MOST_WAITING_MESSAGES = 4;

type Accepted = Extract<WebSocketDecision, { kind: "accept" }>;

/** The request as `ws` wants it: only these members are read. */
interface UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: Socket;
  readonly chosenProtocol: string;
}

/** A frame of a host may carry a reply, a state and effects; who takes the link bounds its frames. */
const FRAME_MESSAGES = 4;

/** Turns accepted upgrades into links. */
export class WebSocketGate {
  readonly #context: ListenerContext;
  readonly #server: WebSocketServer;

  constructor(context: ListenerContext) {
    this.#context = context;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: FRAME_MESSAGES * context.limits.maxMessageBytes,
      handleProtocols: (_offered, request) =>
        (request as unknown as UpgradeRequest).chosenProtocol || false,
    });
  }

  /** Answers 101 (or refuses a broken handshake) and hands the link over. */
  open(socket: Socket, head: RequestHead, early: Buffer, decision: Accepted): LiveConnection {
    const request: UpgradeRequest = {
      method: head.method,
      url: head.target,
      headers: Object.fromEntries(head.fields),
      socket,
      chosenProtocol: decision.protocol,
    };
    const connection = new WebSocketConnection(socket, this.#context);
    const asMessage = request as unknown as IncomingMessage;
    this.#server.handleUpgrade(asMessage, socket, early, (webSocket) => {
      connection.attach(webSocket);
      decision.accept(connection);
    });
    return connection;
  }
}

/** One WebSocket connection, for the application a link, for the listener a live connection. */
class WebSocketConnection implements WebSocketLink, LiveConnection {
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #stall: StallMeter;
  readonly #mostWaitingBytes: number;
  #webSocket: WebSocket | undefined;
  #onMessage: ((frame: Uint8Array | string) => void) | undefined;
  #onClose: ((code: number, reason: string) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #overHighWater = false;
  #silentTicks = 0;

  constructor(socket: Socket, context: ListenerContext) {
    this.#socket = socket;
    this.#context = context;
    this.#stall = new StallMeter(context.ticks.stall);
    this.#mostWaitingBytes =
      HIGH_WATER_BYTES + MOST_WAITING_MESSAGES * context.limits.maxMessageBytes;
  }

  get protocol(): string {
    return this.#webSocket?.protocol ?? "";
  }
  get bufferedBytes(): number {
    return this.#webSocket?.bufferedAmount ?? 0;
  }

  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    webSocket.binaryType = "nodebuffer";
    webSocket.on("message", (data, binary) => {
      this.#silentTicks = 0;
      const bytes = data as Buffer;
      this.#onMessage?.(binary ? bytes : bytes.toString("utf8"));
    });
    webSocket.on("pong", () => {
      this.#silentTicks = 0;
    });
    webSocket.on("error", () => this.#context.rejected("websocket_malformed", this.#address()));
    webSocket.on("close", (code, reason) => {
      const listener = this.#onClose;
      this.#onClose = undefined;
      listener?.(code, reason.toString("utf8"));
    });
    this.#socket.on("drain", () => this.#drained());
  }

  send(frame: Uint8Array | string): void {
    const webSocket = this.#webSocket;
    if (webSocket === undefined || webSocket.readyState !== webSocket.OPEN) return;
    webSocket.send(frame);
    const waiting = webSocket.bufferedAmount;
    if (waiting > this.#mostWaitingBytes) this.#reject("write_stall");
    else if (waiting > HIGH_WATER_BYTES) this.#overHighWater = true;
  }

  close(code: number, reason: string): void {
    this.#webSocket?.close(code, reason);
  }

  onMessage(listener: (frame: Uint8Array | string) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: (code: number, reason: string) => void): void {
    this.#onClose = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  tick(): void {
    if (this.#webSocket === undefined || this.#stall.tick(this.bufferedBytes)) {
      this.#reject("write_stall");
      return;
    }
    if (this.#overHighWater && this.bufferedBytes <= HIGH_WATER_BYTES) this.#drained();
    this.#silentTicks += 1;
    const { idle } = this.#context.ticks;
    if (this.#silentTicks > idle) this.destroy();
    else if (this.#silentTicks === Math.ceil(idle / 2)) this.#webSocket.ping();
  }

  /** Links are long-lived conversations: the application says goodbye on them itself. */
  drain(): void {}

  destroy(): void {
    if (this.#webSocket !== undefined) this.#webSocket.terminate();
    this.#socket.destroy();
  }

  #drained(): void {
    this.#stall.progress();
    if (!this.#overHighWater || this.bufferedBytes > HIGH_WATER_BYTES) return;
    this.#overHighWater = false;
    this.#onDrain?.();
  }

  #reject(reason: string): void {
    this.#context.rejected(reason, this.#address());
    this.destroy();
  }

  #address(): string {
    return this.#socket.remoteAddress ?? "";
  }
}
