import { connect } from "node:net";

/** The first words of a protocol: what the client says, and whether the answer is the server's. */
export interface Handshake {
  readonly hello: Uint8Array;
  answers(received: Uint8Array): boolean;
}

/**
 * Opens a connection and speaks the first words. Resolves with whether a server of that protocol
 * answered within `timeoutMs`; a refused, closed or silent connection is `false`, never a rejection.
 */
export function answersHandshake(
  host: string,
  port: number,
  handshake: Handshake,
  timeoutMs = 2000,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.on("error", () => settle(false));
    socket.on("close", () => settle(false));
    socket.on("connect", () => {
      if (handshake.hello.length > 0) socket.write(handshake.hello);
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (handshake.answers(received)) settle(true);
      else if (received.length > 4096) settle(false);
    });
  });
}
