import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TdsEncryption, type TdsCertificate } from "./tds-encryption.ts";
import { MessageReader, PACKET, packetsOf, type TdsMessage } from "./tds-packets.ts";
import {
  ENCRYPT,
  readLogin,
  readPrelogin,
  readRequest,
  type TdsLogin,
  type TdsRequest,
  type TdsValue,
} from "./tds-requests.ts";
import * as tokens from "./tds-tokens.ts";

/** Rows of one statement of a batch, with what it says that it changed. */
export interface TdsResult {
  readonly columns: readonly tokens.TdsColumn[];
  readonly rows: readonly (readonly TdsValue[])[];
  /** The number in its DONE, which is not always that of its rows. */
  readonly count?: number;
}

/** How a request is answered. */
export type TdsAnswer =
  | {
      readonly kind: "results";
      readonly results: readonly TdsResult[];
      /** What the batch did to transactions, told before its results. */
      readonly transaction?: readonly ("begin" | "commit" | "rollback")[];
    }
  | {
      readonly kind: "error";
      readonly number: number;
      readonly message: string;
      readonly severity?: number;
      /** The error ended the transaction, as it does with XACT_ABORT. */
      readonly rolledBack?: boolean;
    }
  /** No answer until the client asks to stop, and then only that it has stopped. */
  | { readonly kind: "silence" }
  /** No answer, and none to what the client says afterwards either. */
  | { readonly kind: "deaf" }
  /** The connection breaks. */
  | { readonly kind: "cut" };

/** One client as a handler sees it. */
export interface TdsClient {
  readonly number: number;
  readonly login: TdsLogin;
  readonly encrypted: boolean;
  /** The text of its first batch, by which a library sets up its session. */
  readonly settings: string;
  /** True between what begins a transaction and what ends it. */
  readonly inTransaction: boolean;
}

/** What the double does with a request of a client that is logged in and has set up its session. */
export type TdsHandler = (request: TdsRequest, client: TdsClient) => TdsAnswer | Promise<TdsAnswer>;

/** How a double behaves besides its answers. */
export interface TdsOptions {
  /** Offers TLS, which `encryptionRequired` insists on. */
  readonly certificate?: TdsCertificate;
  readonly encryptionRequired?: boolean;
  /** Refuses a login by an error; `undefined` lets it in. */
  readonly refuse?: (login: TdsLogin) => { number: number; message: string } | undefined;
  readonly port?: number;
  readonly packetBytes?: number;
  /** Accepts connections and says nothing. */
  readonly mute?: boolean;
}

/**
 * Stands in for a SQL Server on the wire: it speaks TDS 7.4 as far as a driver needs it, and answers
 * what a handler says. It knows no SQL of its own.
 */
export class TdsDouble implements AsyncDisposable {
  readonly port: number;
  /** Every login that was let in, in order. */
  readonly logins: TdsLogin[] = [];
  /** How many times a client asked to stop a request. */
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
        new Conversation(double, handler, options, encryption).begin(socket);
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

/** One connection from PRELOGIN to its end. */
class Conversation {
  readonly #double: TdsDouble;
  readonly #handler: TdsHandler;
  readonly #options: TdsOptions;
  readonly #encryption: TdsEncryption | undefined;
  readonly #reader = new MessageReader();
  #socket: Socket | undefined;
  /** Where to write: the socket, or the clear side of its encryption. */
  #stream: Duplex | undefined;
  #login: TdsLogin | undefined;
  #encrypted = false;
  #packetBytes = 4_096;
  #transaction: bigint | undefined;
  #transactions = 0n;
  #settings: string | undefined;
  /** The request that is being answered; its answer is dropped if another takes its place. */
  #pending: TdsRequest | undefined;

  constructor(
    double: TdsDouble,
    handler: TdsHandler,
    options: TdsOptions,
    encryption: TdsEncryption | undefined,
  ) {
    this.#double = double;
    this.#handler = handler;
    this.#options = options;
    this.#encryption = encryption;
  }

  begin(socket: Socket): void {
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(stream: Duplex): void {
    this.#stream = stream;
    stream.on("error", () => stream.destroy());
    stream.on("data", (bytes: Buffer) => {
      try {
        for (const message of this.#reader.push(bytes)) this.#take(message);
      } catch (error) {
        // A client that breaks the protocol is told why where a test can see it: in its own error.
        this.#send(
          tokens.errorToken(4_002, String(error), 16),
          tokens.done("done", { error: true }),
        );
        stream.end();
      }
    });
  }

  #take(message: TdsMessage): void {
    if (message.type === PACKET.prelogin) this.#prelogin(message.payload);
    else if (message.type === PACKET.login) this.#logIn(readLogin(message.payload));
    else if (message.type === PACKET.attention) this.#attention();
    else if (message.ignored) this.#send(tokens.done("done", { error: true }));
    else this.#request(message);
  }

  #prelogin(payload: Buffer): void {
    const wanted = readPrelogin(payload);
    const agreed = this.#encryption !== undefined && wanted !== ENCRYPT.notSupported;
    const insists = this.#options.encryptionRequired === true;
    const answer = agreed ? ENCRYPT.on : insists ? ENCRYPT.required : ENCRYPT.notSupported;
    this.#write(tokens.preloginAnswer(answer));
    const socket = this.#socket;
    if (!agreed || socket === undefined) return;
    socket.removeAllListeners("data");
    this.#encryption?.carry(socket, (clear) => {
      this.#encrypted = true;
      this.#listen(clear);
    });
  }

  #logIn(login: TdsLogin): void {
    const refusal = this.#options.refuse?.(login);
    if (refusal !== undefined) {
      const { number, message } = refusal;
      this.#send(tokens.errorToken(number, message, 14), tokens.done("done", { error: true }));
      this.#stream?.end();
      return;
    }
    this.#login = login;
    this.#double.logins.push(login);
    const packetBytes = this.#options.packetBytes ?? 4_096;
    const changes = [tokens.collationChange(), tokens.packetSizeChange(packetBytes)];
    this.#send(...changes, tokens.loginAck(), tokens.done("done", {}));
    this.#packetBytes = packetBytes;
  }

  /** Stops what is under way: its answer ends, and a message of its own says so. [MS-TDS] 3.3.5.7. */
  #attention(): void {
    this.#double.attentions += 1;
    const ended = this.#endTransaction("rollback");
    if (this.#pending !== undefined) this.#send(...ended, tokens.done("done", { error: true }));
    this.#pending = undefined;
    this.#send(tokens.done("done", { attention: true }));
  }

  #request(message: TdsMessage): void {
    const request = readRequest(message);
    const login = this.#login;
    if (login === undefined) throw new Error("a request before the login");
    if (this.#settings === undefined && request.kind === "batch") {
      this.#settings = request.text;
      this.#send(tokens.done("done", {}));
      return;
    }
    this.#pending = request;
    const client: TdsClient = {
      number: this.#double.logins.indexOf(login),
      login,
      encrypted: this.#encrypted,
      settings: this.#settings ?? "",
      inTransaction: this.#transaction !== undefined,
    };
    Promise.resolve()
      .then(() => this.#handler(request, client))
      .then(
        (answer) => this.#answer(request, answer),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          this.#answer(request, { kind: "error", number: 50_000, message });
        },
      );
  }

  #answer(request: TdsRequest, answer: TdsAnswer): void {
    if (this.#pending !== request || answer.kind === "silence") return;
    if (answer.kind === "deaf") {
      this.#stream?.removeAllListeners("data").resume();
      return;
    }
    this.#pending = undefined;
    if (answer.kind === "cut") {
      this.#socket?.destroy();
      return;
    }
    const last = request.kind === "statement" ? "procedure" : "done";
    if (answer.kind === "error") {
      const { number, message, severity = 16, rolledBack = false } = answer;
      const ended = rolledBack ? this.#endTransaction("rollback") : [];
      const error = tokens.errorToken(number, message, severity);
      this.#send(error, ...ended, tokens.done(last, { error: true }));
      return;
    }
    const changes = [...(answer.transaction ?? []), ...transactionOf(request)];
    const changed = changes.flatMap((change) => this.#changeTransaction(change));
    const results = answer.results.flatMap((result) => resultTokens(result, request));
    const status = request.kind === "statement" ? [tokens.returnStatus(0)] : [];
    this.#send(...changed, ...results, ...status, tokens.done(last, {}));
  }

  #changeTransaction(change: "begin" | "commit" | "rollback"): Buffer[] {
    if (change !== "begin") return this.#endTransaction(change);
    this.#transactions += 1n;
    this.#transaction = this.#transactions;
    return [tokens.transactionChange("begin", this.#transaction)];
  }

  #endTransaction(how: "commit" | "rollback"): Buffer[] {
    const id = this.#transaction;
    this.#transaction = undefined;
    return id === undefined ? [] : [tokens.transactionChange(how, id)];
  }

  #send(...parts: readonly Buffer[]): void {
    this.#write(Buffer.concat(parts));
  }

  #write(payload: Buffer): void {
    this.#stream?.write(packetsOf(PACKET.answer, payload, this.#packetBytes));
  }
}

function transactionOf(request: TdsRequest): readonly ("begin" | "commit" | "rollback")[] {
  return request.kind === "batch" || request.kind === "statement" ? [] : [request.kind];
}

function resultTokens({ columns, rows, count }: TdsResult, request: TdsRequest): Buffer[] {
  const head = columns.length === 0 ? [] : [tokens.columnMetadata(columns)];
  const kind = request.kind === "statement" ? "inside" : "done";
  const end = tokens.done(kind, { more: true, count: count ?? rows.length });
  return [...head, ...rows.map((values) => tokens.row(columns, values)), end];
}
