import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TdsEncryption } from "./tds-encryption.ts";
import type { TdsAnswer, TdsClient, TdsHandler, TdsOptions, TdsResult } from "./tds-handler.ts";
import { MessageReader, PACKET, packetsOf, type TdsMessage } from "./tds-packets.ts";
import {
  ENCRYPT,
  readLogin,
  readPrelogin,
  readRequest,
  type TdsLogin,
  type TdsRequest,
} from "./tds-requests.ts";
import * as tokens from "./tds-tokens.ts";

/** What a double tells about its clients. */
export interface TdsObserved {
  /** Every login that was let in, in order. */
  readonly logins: TdsLogin[];
  /** How many times a client asked to stop a request. */
  attentions: number;
}

/** One connection from PRELOGIN to its end. */
export class TdsConversation {
  readonly #observed: TdsObserved;
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
  #settings = "";
  /** The request that is being answered; its answer is dropped if another takes its place. */
  #pending: TdsRequest | undefined;
  #stopping = new AbortController();

  constructor(
    observed: TdsObserved,
    handler: TdsHandler,
    options: TdsOptions,
    encryption: TdsEncryption | undefined,
  ) {
    this.#observed = observed;
    this.#handler = handler;
    this.#options = options;
    this.#encryption = encryption;
  }

  begin(socket: Socket): void {
    this.#socket = socket;
    socket.on("close", () => {
      this.#pending = undefined;
      this.#stopping.abort();
      if (this.#login !== undefined) this.#options.gone?.(this.#client(this.#login));
    });
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
    this.#observed.logins.push(login);
    const packetBytes = this.#options.packetBytes ?? 4_096;
    const changes = [tokens.collationChange(), tokens.packetSizeChange(packetBytes)];
    this.#send(...changes, tokens.loginAck(), tokens.done("done", {}));
    this.#packetBytes = packetBytes;
  }

  /** Stops what is under way: its answer ends, and a message of its own says so. [MS-TDS] 3.3.5.7. */
  #attention(): void {
    this.#observed.attentions += 1;
    this.#stopping.abort();
    const ended = this.#endTransaction("rollback");
    if (this.#pending !== undefined) this.#send(...ended, tokens.done("done", { error: true }));
    this.#pending = undefined;
    this.#send(tokens.done("done", { attention: true }));
  }

  #request(message: TdsMessage): void {
    const request = readRequest(message);
    const login = this.#login;
    if (login === undefined) throw new Error("a request before the login");
    if (request.kind === "batch" && /^set /i.test(request.text)) {
      this.#settings = `${this.#settings}${request.text}\n`;
      this.#send(tokens.done("done", {}));
      return;
    }
    this.#pending = request;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    Promise.resolve()
      .then(() => this.#handler(request, this.#client(login), signal))
      .then(
        (answer) => this.#answer(request, answer),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          this.#answer(request, { kind: "error", number: 50_000, message });
        },
      );
  }

  #client(login: TdsLogin): TdsClient {
    return {
      number: this.#observed.logins.indexOf(login),
      login,
      encrypted: this.#encrypted,
      settings: this.#settings,
      inTransaction: this.#transaction !== undefined,
    };
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
