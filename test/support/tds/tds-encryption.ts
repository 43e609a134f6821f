import { connect, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { MessageReader, PACKET, packetsOf } from "./tds-packets.ts";

/** PEM texts of a server's certificate. */
export interface TdsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Largest packet before a login has agreed on another. */
const PACKET_BYTES = 4_096;

/**
 * TLS within TDS: [MS-TDS] 3.2.5.1 and 3.3.5.1, "TLS/SSL negotiation". The handshake travels inside
 * of PRELOGIN messages, one answer to each, and what follows it travels bare. A TLS server of this
 * machine's own ends the encryption; each client's bytes are carried to it and back.
 */
export class TdsEncryption {
  readonly #server: Server;
  readonly #port: number;
  readonly #secured = new Map<number, (clear: TLSSocket) => void>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on("secureConnection", (clear: TLSSocket) => {
      this.#secured.get(clear.remotePort ?? 0)?.(clear);
    });
  }

  /** Starts the server that ends the encryption, on a port of the loopback. */
  static async start(certificate: TdsCertificate): Promise<TdsEncryption> {
    const server = createServer({ ...certificate, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was bound");
    return new TdsEncryption(server, address.port);
  }

  /** Takes over a client's socket after PRELOGIN; `secured` gets its clear side after the handshake. */
  carry(client: Socket, secured: (clear: TLSSocket) => void): void {
    const inner = connect(this.#port, "127.0.0.1", () => {
      this.#secured.set(inner.localPort ?? 0, secured);
    });
    const handshake = new MessageReader();
    const flights = new FlightReader();
    let bare = false;
    client.on("data", (bytes: Buffer) => {
      bare ||= handshake.idle && bytes[0] !== PACKET.prelogin;
      if (bare) inner.write(bytes);
      else for (const { payload } of handshake.push(bytes)) inner.write(payload);
    });
    inner.on("data", (bytes: Buffer) => {
      if (bare) client.write(bytes);
      else
        for (const flight of flights.push(bytes)) {
          client.write(packetsOf(PACKET.prelogin, flight, PACKET_BYTES));
        }
    });
    const end = (): void => {
      this.#secured.delete(inner.localPort ?? 0);
      client.destroy();
      inner.destroy();
    };
    for (const socket of [client, inner]) socket.on("close", end).on("error", end);
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

const RECORD_HEADER_BYTES = 5;
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const SERVER_HELLO_DONE = Buffer.from([14, 0, 0, 0]);

/**
 * Finds where a server of TLS 1.2 waits for its client again: after ServerHelloDone, after Finished
 * (the record behind ChangeCipherSpec), and after an alert. RFC 5246, 6.2.1 and 7.3.
 */
class FlightReader {
  #rest = Buffer.alloc(0);
  #flight: Buffer[] = [];
  #changed = false;

  push(bytes: Uint8Array): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const complete: Buffer[] = [];
    while (this.#rest.length >= RECORD_HEADER_BYTES) {
      const length = RECORD_HEADER_BYTES + this.#rest.readUInt16BE(3);
      if (this.#rest.length < length) break;
      const record = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      this.#flight.push(record);
      const type = record[0];
      if (type === CHANGE_CIPHER_SPEC) this.#changed = true;
      else if (this.#changed || type === ALERT || record.subarray(-4).equals(SERVER_HELLO_DONE)) {
        complete.push(Buffer.concat(this.#flight));
        this.#flight = [];
      }
    }
    return complete;
  }
}
