import { lookup } from "node:dns/promises";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server,
  type Socket,
} from "node:net";
import { createServer as createTlsServer, type TLSSocket, Server as TlsServer } from "node:tls";
import type {
  HttpHandler,
  Listen,
  Listener,
  ListenOptions,
  TlsMaterial,
} from "../../node/ports.ts";
import { ConnectionCap } from "./connection-cap.ts";
import { Http1Connection, type Http1Services } from "./http1-connection.ts";
import { Http2Connection } from "./http2-connection.ts";
import { type ListenerContext, type LiveConnection, tickLimits } from "./listener-context.ts";
import { peerCertificateOf } from "./peer-certificate.ts";
import { HttpDate } from "./response-head.ts";
import { type FirstBytes, SilentConnection } from "./silent-connection.ts";
import { WebSocketGate } from "./web-socket-gate.ts";

/** Refused streams that one connection may cause in its life before it is closed. */
const MOST_REFUSED_STREAMS = 10_000;
const LONGEST_FAREWELL_MS = 1000;
const STREAM_WINDOW_BYTES = 64 * 1024 - 1;
/** Resets by the peer, at once and per second (CVE-2023-44487). */
const RESET_BURST = 200;
const RESETS_PER_SECOND = 33;

/**
 * HTTP/1.1, HTTP/2 and WebSocket on one port, on `node:` interfaces alone. Clear connections are
 * told apart by their first bytes, TLS ones by ALPN; HTTP/2 runs on the native socket.
 */
export const listen: Listen = async (options, handler) => {
  const listener = new PortListener(options, handler);
  await listener.bind();
  return listener;
};

class PortListener implements Listener {
  readonly #options: ListenOptions;
  readonly #context: ListenerContext;
  readonly #services: Http1Services;
  readonly #cap: ConnectionCap;
  readonly #server: Server;
  readonly #http2: Http2Server;
  readonly #live = new Map<Socket, LiveConnection>();
  #draining = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #port = 0;

  constructor(options: ListenOptions, handler: HttpHandler) {
    const { limits } = options;
    this.#options = options;
    this.#context = {
      handler,
      limits,
      ticks: tickLimits(limits),
      rejected: (reason, remoteAddress) => options.rejected?.(reason, remoteAddress),
    };
    this.#services = { date: new HttpDate(), webSockets: new WebSocketGate(this.#context) };
    this.#cap = new ConnectionCap(limits.maxConnections, limits.maxConnectionsPerAddress);
    this.#http2 = createHttp2Server(http2Options(options));
    this.#http2.on("sessionError", () => {});
    this.#server = options.tls === undefined ? this.#clearServer() : this.#tlsServer(options.tls);
  }

  get host(): string {
    return this.#options.host;
  }
  get port(): number {
    return this.#port;
  }
  get connections(): number {
    return this.#cap.all;
  }

  async bind(): Promise<void> {
    const { port, reusePort = false } = this.#options;
    // Left to `listen`, a name that does not resolve ends on some runtimes in an error without a code.
    const { address } = await lookup(this.#options.host);
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: address, port, reusePort, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        // Running out of descriptors ends one accept, not the listener.
        this.#server.on("error", () => this.#context.rejected("accept_failed", ""));
        this.#port = (this.#server.address() as AddressInfo).port;
        this.#timer = setInterval(() => this.#tick(), this.#context.ticks.tickMs);
        this.#timer.unref();
        resolve();
      });
    });
  }

  setTls(material: TlsMaterial): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(pemOf(material));
  }

  drain(): void {
    this.#draining = true;
    for (const connection of this.#live.values()) connection.drain();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const unbound = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of [...this.#live.values()]) connection.destroy();
    await unbound;
    // A runtime may call back before the last destroyed socket has told that it is closed.
    const giveUpAt = performance.now() + LONGEST_FAREWELL_MS;
    while (this.#cap.all > 0 && performance.now() < giveUpAt) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #tick(): void {
    for (const connection of this.#live.values()) connection.tick();
  }

  #clearServer(): Server {
    return createNetServer({ noDelay: true }, (socket) => {
      if (this.#admit(socket)) this.#sniff(socket);
    });
  }

  #tlsServer(material: TlsMaterial): Server {
    const server = createTlsServer({
      ...pemOf(material),
      ALPNProtocols: ["h2", "http/1.1"],
      minVersion: "TLSv1.2",
      requestCert: material.clientCertificate !== "none",
      rejectUnauthorized: material.clientCertificate === "required",
      handshakeTimeout: this.#options.limits.tlsHandshakeTimeoutMs,
    });
    // The cap counts connections from their first packet on, not from the end of the handshake.
    server.on("connection", (socket: Socket) => {
      if (this.#admit(socket)) this.#live.set(socket, handshaking(socket));
    });
    server.on("secureConnection", (socket) => this.#secured(socket, material));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const late = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
      this.#context.rejected(late ? "tls_timeout" : "tls_failed", socket.remoteAddress ?? "");
      socket.destroy();
    });
    return server;
  }

  /** Counts a connection in, or ends it. */
  #admit(socket: Socket): boolean {
    socket.on("error", () => {});
    const address = socket.remoteAddress ?? "";
    if (!this.#cap.enter(address)) {
      this.#context.rejected("conn_cap", address);
      socket.destroy();
      return false;
    }
    socket.once("close", () => {
      this.#cap.leave(address);
      this.#live.delete(socket);
    });
    return true;
  }

  #sniff(socket: Socket): void {
    const silent = new SilentConnection(socket, this.#context, (first) => {
      this.#begin(socket, first);
    });
    this.#live.set(socket, silent);
  }

  #begin(socket: Socket, first: FirstBytes): void {
    if (first === "tls") {
      this.#context.rejected("tls_on_clear", socket.remoteAddress ?? "");
      socket.destroy();
    } else if (first === "http2") {
      this.#serveHttp2(socket, false);
    } else {
      this.#serveHttp1(socket, false);
    }
  }

  #secured(socket: TLSSocket, material: TlsMaterial): void {
    socket.on("error", () => {});
    if (socket.destroyed) return;
    socket.setNoDelay(true);
    const sent = material.clientCertificate !== "none" && hasPeerCertificate(socket);
    if (sent && peerCertificateOf(socket) === undefined) {
      // "optional" means none or a good one; a bad one is not the same as none.
      this.#context.rejected("tls_client_certificate", socket.remoteAddress ?? "");
      socket.destroy();
    } else if (socket.alpnProtocol === "h2") {
      this.#serveHttp2(socket, true);
    } else {
      this.#serveHttp1(socket, true);
    }
  }

  #serveHttp1(socket: Socket, secure: boolean): void {
    this.#take(socket, new Http1Connection(socket, this.#context, this.#services, secure));
  }

  #serveHttp2(socket: Socket, secure: boolean): void {
    // `session` is emitted before `emit` returns, so this pairs the session with its own socket.
    const pair = (session: ServerHttp2Session): void => {
      this.#take(socket, new Http2Connection(socket, session, this.#context, secure));
    };
    this.#http2.once("session", pair);
    this.#http2.emit("connection", socket);
    this.#http2.off("session", pair);
  }

  #take(socket: Socket, connection: LiveConnection): void {
    if (socket.destroyed) return;
    // Where the runtime wraps the accepted socket, the wrapper is a second entry of its own.
    if (!this.#live.has(socket)) socket.once("close", () => this.#live.delete(socket));
    this.#live.set(socket, connection);
    if (this.#draining) connection.drain();
  }
}

/** The handshake has its own time limit; whether it may go on is decided when it is over. */
function handshaking(socket: Socket): LiveConnection {
  return { tick() {}, drain() {}, destroy: () => void socket.destroy() };
}

function pemOf(material: TlsMaterial): { cert: string; key: string; ca?: string } {
  const { cert, key, ca } = material;
  return ca === undefined ? { cert, key } : { cert, key, ca };
}

function hasPeerCertificate(socket: TLSSocket): boolean {
  return Boolean(socket.getPeerCertificate()?.fingerprint256);
}

function http2Options({ limits }: ListenOptions): object {
  return {
    // Not in the type declarations; each is honoured where the runtime knows it.
    maxSessionRejectedStreams: MOST_REFUSED_STREAMS,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
    strictSingleValueFields: false,
    maxHeaderListPairs: limits.maxHeaderCount,
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
      initialWindowSize: STREAM_WINDOW_BYTES,
      enablePush: false,
    },
  };
}
