/**
 * What the node needs from the world. `src/platform` and `src/edge` implement these; nothing here
 * names Bun, Node or a library, so that a second implementation serves another runtime.
 */

/** Monotonic and wall time, timers and the end of the tick. */
export interface Clock {
  /** Monotonic milliseconds with fractions; never goes back. */
  now(): number;
  /** Wall clock in milliseconds since 1970, for people and rows only; never for safety. */
  wallMs(): number;
  /** Runs `callback` once after `delayMs`; the returned function takes it back. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** Runs `callback` once when the current batch of I/O has been read (end of the tick). */
  defer(callback: () => void): void;
}

/** Unpredictable bytes and identifiers. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). */
  unit(): number;
}

/** Structured log. Fields are values, never secrets or payloads. */
export interface Logger {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** Header fields with lower-case names; a repeated field is joined by ", ". */
export type HttpHeaders = Readonly<Record<string, string>>;

/** The verified client certificate of a TLS connection. */
export interface PeerCertificate {
  readonly subject: string;
  readonly altNames: readonly string[];
  readonly fingerprint256: string;
}

/** Why a request body could not be read whole. `aborted`: the peer went away. */
export type BodyFailure = "too_large" | "aborted" | "timeout";

/** One request as the listener hands it over, HTTP/1.1 and HTTP/2 alike. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly target: string;
  readonly httpVersion: 1 | 2;
  readonly secure: boolean;
  readonly remoteAddress: string;
  readonly peerCertificate: PeerCertificate | undefined;
  header(name: string): string | undefined;
  headers(): Iterable<readonly [string, string]>;
  /** Reads the whole body, at most `limitBytes`; calls `done` exactly once. For the hot unary path. */
  readBody(
    limitBytes: number,
    done: (failure: BodyFailure | undefined, body: Uint8Array) => void,
  ): void;
  /** Reads the body as it comes, with back-pressure; throws if the peer goes away. */
  body(): AsyncIterable<Uint8Array>;
  /** Called once if the peer resets the stream or the connection is lost before the response ended. */
  onAborted(listener: () => void): void;
}

/** The answer to one request. Every method is harmless once the peer is gone (`closed`). */
export interface HttpResponse {
  readonly closed: boolean;
  /** The whole answer in one go. `trailers` are sent on HTTP/2 and as chunked trailers on HTTP/1.1. */
  send(
    status: number,
    headers: HttpHeaders,
    body: Uint8Array | string,
    trailers?: HttpHeaders,
  ): void;
  start(status: number, headers: HttpHeaders): void;
  /** `undefined` if more may be written at once, else a promise of room (or of the end). */
  write(chunk: Uint8Array): Promise<void> | undefined;
  end(trailers?: HttpHeaders): void;
  /** Ends the stream abnormally (RST_STREAM, or the connection on HTTP/1.1). */
  reset(): void;
}

/** One WebSocket connection; frames are whole messages. */
export interface WebSocketLink {
  readonly protocol: string;
  readonly bufferedBytes: number;
  send(frame: Uint8Array | string): void;
  close(code: number, reason: string): void;
  onMessage(listener: (frame: Uint8Array | string) => void): void;
  /** Called once, however the connection ends. */
  onClose(listener: (code: number, reason: string) => void): void;
  /** Called when `bufferedBytes` has fallen below the high-water mark again. */
  onDrain(listener: () => void): void;
}

/** What the listener asks of the application. Handlers must not throw; a throw is answered with 500. */
export interface HttpHandler {
  request(request: HttpRequest, response: HttpResponse): void;
  /** Decides on a WebSocket upgrade: a refusal, or who takes the link with the chosen subprotocol. */
  upgrade(request: HttpRequest): WebSocketDecision;
}

export type WebSocketDecision =
  | { readonly kind: "refuse"; readonly status: number; readonly message: string }
  | { readonly kind: "accept"; readonly protocol: string; accept(link: WebSocketLink): void };

/** PEM texts. `ca` with `requestClientCertificate` makes the client certificate verified. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly clientCertificate: "none" | "optional" | "required";
}

/** Every bound of a listener; defaults in `domain/limits.ts`. Bytes and milliseconds. */
export interface ListenerLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxConcurrentStreams: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  readonly maxMessageBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly tlsHandshakeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly writeStallMs: number;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: TlsMaterial;
  readonly limits: ListenerLimits;
  /** Shares the port with other processes of this node. */
  readonly reusePort?: boolean;
  /** Told of every connection that was refused or ended for a reason, e.g. `tls_on_clear`. */
  readonly rejected?: (reason: string, remoteAddress: string) => void;
}

/** A bound listener that speaks HTTP/1.1, HTTP/2 (gRPC with trailers) and WebSocket on one port. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** New certificate for new connections. */
  setTls(material: TlsMaterial): void;
  /** GOAWAY and `connection: close`; running requests go on, idle connections end. */
  drain(): void;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Binds a listener. Rejects with `ServerError`-like errors that carry the errno of the platform. */
export type Listen = (options: ListenOptions, handler: HttpHandler) => Promise<Listener>;

/** What a dialled host answered. */
export interface DialAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Calls dialled hosts, over connections that are kept. */
export interface DialTransport {
  /**
   * Posts `body` to `path` at an endpoint, `http://host:port`, `https://host:port` or `unix:/path`.
   * Rejects if there is no whole answer within `timeoutMs`, or if it is larger than `limitBytes`;
   * the host may have seen the request all the same.
   */
  post(
    endpoint: string,
    path: string,
    headers: HttpHeaders,
    body: Uint8Array,
    limits: { readonly timeoutMs: number; readonly limitBytes: number },
  ): Promise<DialAnswer>;
  /** Ends every connection. */
  close(): void;
}

/** One connection between members that carries whole frames, in order. */
export interface FrameLink {
  readonly remoteAddress: string;
  /** Of a TLS connection whose other end showed a verified certificate. */
  readonly peerCertificate: PeerCertificate | undefined;
  /** Bytes that were sent and that the other end has not taken yet. */
  readonly bufferedBytes: number;
  /** Sends a frame whose first four bytes are free for its length. The bytes are given away. */
  send(frame: Uint8Array): void;
  /** Ends the connection; what was sent before still goes if it can. Harmless when repeated. */
  close(): void;
  /** A frame without its length; valid until the listener returns. */
  onFrame(listener: (frame: Uint8Array) => void): void;
  /** `bufferedBytes` has fallen below the high-water mark again. */
  onRoom(listener: () => void): void;
  /** Called once, however the connection ends, with a reason for the log. */
  onClose(listener: (reason: string) => void): void;
}

/** Bounds of frame links. Bytes and milliseconds. */
export interface FrameLimits {
  /** A longer frame ends the connection. */
  readonly maxFrameBytes: number;
  /** `onRoom` is told once so many bytes or fewer wait, after more did. */
  readonly highWaterBytes: number;
  readonly connectTimeoutMs: number;
}

export interface FrameListenOptions {
  readonly host: string;
  readonly port: number;
  /** Both ends show certificates of one authority; absent on loopback only. */
  readonly tls?: TlsMaterial;
  readonly limits: FrameLimits;
  /** Connections beyond this are closed at once. */
  readonly maxConnections: number;
}

/** Where members connect to. */
export interface FrameListener {
  readonly host: string;
  readonly port: number;
  setTls(material: TlsMaterial): void;
  close(): Promise<void>;
}

/** TCP or TLS with frames. */
export interface FrameSockets {
  listen(options: FrameListenOptions, accept: (link: FrameLink) => void): Promise<FrameListener>;
  /** Rejects if there is no connection (and no secure one, with `tls`) in time. */
  connect(to: {
    readonly host: string;
    readonly port: number;
    readonly tls?: TlsMaterial;
    readonly limits: FrameLimits;
  }): Promise<FrameLink>;
}

/** Why a packet of the gossip port was thrown away. */
export type GossipDrop =
  | "short"
  | "magic"
  | "version"
  | "size"
  | "cluster"
  | "plain"
  | "auth"
  | "stale"
  | "replay";

/** A packet that was opened, or why it was not. */
export type OpenedGossip =
  | { readonly kind: "open"; readonly body: Uint8Array; readonly senderBoot: string }
  | { readonly kind: "drop"; readonly reason: GossipDrop };

/** Seals what goes out by datagram and opens what comes in. Synchronous, so that order is kept. */
export interface GossipSeal {
  readonly overheadBytes: number;
  /** `receiverBoot` is given where it is known: a packet for an earlier process is then stale. */
  seal(body: Uint8Array, receiverBoot: string | undefined): Uint8Array;
  open(packet: Uint8Array, maxBytes: number): OpenedGossip;
  /** The first key seals from now on; each opens. */
  setKeys(keys: readonly Uint8Array[]): void;
}

/** One UDP socket. */
export interface DatagramSocket {
  readonly host: string;
  readonly port: number;
  /** Sends to an IP address; packets that the system refuses are counted, never thrown. */
  send(packet: Uint8Array, host: string, port: number): void;
  onPacket(listener: (packet: Uint8Array, host: string, port: number) => void): void;
  close(): void;
}

/** Binds a UDP socket. `lost` is told of packets that could not be sent, with the system's code. */
export type BindDatagrams = (options: {
  readonly host: string;
  readonly port: number;
  readonly lost: (code: string) => void;
}) => Promise<DatagramSocket>;
