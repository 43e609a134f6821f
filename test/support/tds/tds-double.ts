import { createServer, type Server, type Socket } from "node:net";
import { TdsConversation, type TdsObserved } from "./tds-conversation.ts";
import { TdsEncryption } from "./tds-encryption.ts";
import type { TdsHandler, TdsOptions } from "./tds-handler.ts";
import type { TdsLogin } from "./tds-requests.ts";

/**
 * Stands in for a SQL Server on the wire: it speaks TDS 7.4 as far as a driver needs it, and answers
 * what a handler says. It knows no SQL of its own.
 */
export class TdsDouble implements AsyncDisposable, TdsObserved {
  readonly port: number;
  readonly logins: TdsLogin[] = [];
  attentions = 0;
  readonly #server: Server;
  readonly #encryption: TdsEncryption | undefined;
  readonly #sockets: Set<Socket>;

  private constructor(
    server: Server,
    port: number,
    encryption: TdsEncryption | undefined,
    sockets: Set<Socket>,
  ) {
    this.#server = server;
    this.port = port;
    this.#encryption = encryption;
    this.#sockets = sockets;
  }

  /** Listens on a port of the loopback; clients may come when it resolves. */
  static async start(handler: TdsHandler, options: TdsOptions = {}): Promise<TdsDouble> {
    const { certificate } = options;
    const encryption =
      certificate === undefined ? undefined : await TdsEncryption.start(certificate);
    const sockets = new Set<Socket>();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was bound");
    const double = new TdsDouble(server, address.port, encryption, sockets);
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      if (options.mute !== true)
        new TdsConversation(double, handler, options, encryption).begin(socket);
    });
    return double;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Breaks every connection, and goes on listening. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks every connection and closes the port. */
  async stop(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    await this.#encryption?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
