import { udpSocket } from "bun";
import type { BindDatagrams } from "../../node/ports.ts";

/**
 * UDP over Bun's socket. After a datagram to a closed port of this machine the next send, to whomever,
 * throws ECONNREFUSED and its packet is lost: it is sent once more.
 */
export const bindDatagrams: BindDatagrams = async ({ host, port, lost }) => {
  let listener: (packet: Uint8Array, host: string, port: number) => void = () => undefined;
  const socket = await udpSocket({
    hostname: host,
    port,
    binaryType: "uint8array",
    socket: {
      data: (_socket, packet, fromPort, fromHost) => listener(packet, fromHost, fromPort),
      // The report of a packet that nobody took; who sent it learns that from the missing answer.
      error: () => undefined,
    },
  });
  const attempt = (packet: Uint8Array, toHost: string, toPort: number): string | undefined => {
    try {
      return socket.send(packet, toPort, toHost) ? undefined : "ENOBUFS";
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : "EUNKNOWN";
    }
  };
  return {
    host,
    port: socket.port,
    send(packet, toHost, toPort) {
      let problem = attempt(packet, toHost, toPort);
      if (problem === "ECONNREFUSED") problem = attempt(packet, toHost, toPort);
      if (problem !== undefined) lost(problem);
    },
    onPacket(next) {
      listener = next;
    },
    close: () => socket.close(),
  };
};
