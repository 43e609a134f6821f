import { createSocket } from "node:dgram";
import process from "node:process";
import type { BindDatagrams, DatagramSocket } from "../../node/ports.ts";

type Taken = (packet: Uint8Array, host: string, port: number) => void;

/** UDP by the runtime's own sockets: Bun's, whose `send` says at once what is wrong, else node:dgram. */
export const bindDatagrams: BindDatagrams = (options) =>
  process.versions["bun"] === undefined ? bindNode(options) : bindBun(options);

/**
 * After a datagram to a closed port of this machine the next send, to whomever, throws ECONNREFUSED and
 * its packet is lost: it is sent once more.
 */
async function bindBun({
  host,
  port,
  lost,
}: Parameters<BindDatagrams>[0]): Promise<DatagramSocket> {
  const { udpSocket } = await import("bun");
  let listener: Taken = () => undefined;
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
      return codeOf(error);
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
}

function bindNode({ host, port, lost }: Parameters<BindDatagrams>[0]): Promise<DatagramSocket> {
  let listener: Taken = () => undefined;
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (packet, from) => listener(packet, from.address, from.port));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, host, () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve({
        host,
        port: socket.address().port,
        send: (packet, toHost, toPort) =>
          socket.send(packet, toPort, toHost, (error) => {
            if (error !== null) lost(codeOf(error));
          }),
        onPacket(next) {
          listener = next;
        },
        close: () => void socket.close(),
      });
    });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "EUNKNOWN";
}
