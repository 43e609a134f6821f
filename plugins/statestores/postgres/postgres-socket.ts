import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type SqlAddress, SqlError } from "../kit/sql/sql-client.ts";
import { connectError } from "./postgres-errors.ts";

/** `SSLRequest`: the server answers `S` if it will speak TLS, `N` if it will not. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);
const YES = 0x53;
const CANCEL_CODE = 80_877_102;

/** Where messages say that the server is. */
export function placeOf({ host, port, socketPath, database }: SqlAddress): string {
  return `${socketPath === "" ? `${host}:${port}` : socketPath}/${database}`;
}

/**
 * Connects, with TLS where the address asks for it: a server that has none is refused and never
 * spoken to in the clear. Rejects with a `SqlError` of kind `unreachable` or `tls`; `signal` ends it.
 */
export async function openSocket(address: SqlAddress, signal: AbortSignal): Promise<Socket> {
  const { host, port, socketPath } = address;
  const socket = socketPath === "" ? connect({ host, port }) : connect({ path: socketPath });
  const abandon = (): void => {
    socket.destroy(new Error("the attempt to connect was given up"));
  };
  signal.addEventListener("abort", abandon);
  try {
    if (signal.aborted) abandon();
    await once(socket, "connect");
    socket.setNoDelay(true);
    return address.tls === "off" || socketPath !== "" ? socket : await secure(socket, address);
  } catch (error) {
    socket.destroy();
    throw connectError(error, placeOf(address));
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}

/** What a server gave a connection at login, to cancel its statements by. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/** Asks the server to cancel what a connection does, over a connection of its own. */
export async function sendCancel(
  address: SqlAddress,
  { pid, secret }: BackendKey,
  signal: AbortSignal,
): Promise<void> {
  const socket = await openSocket(address, signal);
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(CANCEL_CODE, 4);
  request.writeUInt32BE(pid, 8);
  request.writeUInt32BE(secret, 12);
  socket.on("error", () => undefined);
  socket.end(request);
}

async function secure(socket: Socket, address: SqlAddress): Promise<TLSSocket> {
  const answer = once(socket, "data");
  socket.write(SSL_REQUEST);
  const [first] = (await answer) as [Uint8Array];
  if (first[0] !== YES) {
    throw new SqlError("tls", `${placeOf(address)} offers no TLS, which the settings ask for`);
  }
  const { host, tls, tlsCa } = address;
  const verify = tls === "verify";
  const secured = connectTls({
    socket,
    rejectUnauthorized: verify,
    ...(tlsCa === "" ? {} : { ca: tlsCa }),
    ...(isIP(host) === 0 ? { servername: host } : { host }),
  });
  await once(secured, "secureConnect");
  return secured;
}

/** The arguments of the next `event`; rejects if the socket fails or closes before. */
function once(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(event, done);
      socket.off("error", fail);
      socket.off("close", close);
    };
    const done = (...values: unknown[]): void => {
      settle();
      resolve(values);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const close = (): void => {
      settle();
      reject(new Error("the server closed the connection"));
    };
    socket.on(event, done);
    socket.on("error", fail);
    socket.on("close", close);
  });
}
