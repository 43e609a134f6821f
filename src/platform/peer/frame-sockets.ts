import { connect as connectClear, createServer, type Server, type Socket } from "node:net";
import {
  connect as connectTls,
  createServer as createTlsServer,
  type Server as TlsServer,
  TLSSocket,
} from "node:tls";
import type {
  FrameLimits,
  FrameLink,
  FrameListener,
  FrameListenOptions,
  FrameSockets,
  TlsMaterial,
} from "../../node/ports.ts";
import { FrameSocket } from "./frame-socket.ts";

/** Frames over TCP, or over TLS where both ends show a certificate of the cluster's authority. */
export const frameSockets: FrameSockets = { listen, connect };

function listen(
  options: FrameListenOptions,
  accept: (link: FrameLink) => void,
): Promise<FrameListener> {
  const { host, port, tls, limits, maxConnections } = options;
  const sockets = new Set<Socket>();
  const server: Server = tls === undefined ? createServer() : createTlsServer(tlsOptions(tls));
  const taken = (socket: Socket): void => {
    if (sockets.size >= maxConnections) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    accept(new FrameSocket(socket, limits));
  };
  server.on(tls === undefined ? "connection" : "secureConnection", taken);
  // A handshake that fails is the business of who failed it.
  server.on("tlsClientError", () => undefined);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve({
        host,
        port: bound,
        setTls: (material) => {
          if (tls !== undefined) (server as TlsServer).setSecureContext(tlsOptions(material));
        },
        close: () => closeServer(server, sockets),
      });
    });
  });
}

function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

function connect(to: {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsMaterial;
  readonly limits: FrameLimits;
}): Promise<FrameLink> {
  const { host, port, tls, limits } = to;
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined
        ? connectClear({ host, port })
        : connectTls({ host, port, ...tlsOptions(tls), servername: serverName(host) });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", fail);
    socket.setTimeout(limits.connectTimeoutMs, () => fail(new Error("connecting timed out")));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      if (socket instanceof TLSSocket && !socket.authorized) {
        fail(new Error("the certificate of the other end is not trusted"));
        return;
      }
      socket.off("error", fail);
      socket.setTimeout(0);
      resolve(new FrameSocket(socket, limits));
    });
  });
}

/** A name to verify; addresses have none and are verified as such. */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}

function tlsOptions({ cert, key, ca }: TlsMaterial) {
  return {
    cert,
    key,
    ...(ca !== undefined && { ca }),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3" as const,
  };
}
