import { createSocket, type RemoteInfo, type Socket } from "node:dgram";

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
/** A pointer to the name in the question. */
const SAME_NAME = Buffer.from([0xc0, HEADER_BYTES]);
const REPLY_FLAGS = 0x8180;
const NAME_ERROR = 3;
const SERVER_FAILURE = 2;

interface AddressRecord {
  readonly type: "A" | "AAAA";
  readonly address: string;
}

interface ServiceRecord {
  readonly type: "SRV";
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** One record of a name. */
export type DnsRecord = AddressRecord | ServiceRecord;

interface Question {
  readonly name: string;
  readonly type: number;
  /** As it was sent, to be sent back. */
  readonly bytes: Buffer;
}

/** A name server on a UDP port of this machine that knows what it is told. */
export class DnsServer {
  readonly #socket: Socket;
  readonly #records = new Map<string, readonly DnsRecord[]>();
  /** `silent`: takes questions and answers none. */
  mode: "answer" | "failure" | "silent" = "answer";
  /** Fails questions of this type alone. */
  failing: keyof typeof TYPES | undefined;
  questions = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, from) => this.#answer(message, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => {
      socket.bind(0, "127.0.0.1", resolve);
    });
    return new DnsServer(socket);
  }

  /** For a resolver's list of servers. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** What a name stands for; without records the name exists and stands for nothing. */
  set(name: string, records: readonly DnsRecord[]): void {
    this.#records.set(name.toLowerCase(), records);
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(message: Buffer, from: RemoteInfo): void {
    this.questions += 1;
    const question = readQuestion(message);
    const records = this.#records.get(question.name);
    const failing = this.failing !== undefined && question.type === TYPES[this.failing];
    if (this.mode === "silent") return;
    const answers = (records ?? []).filter(({ type }) => TYPES[type] === question.type);
    const failed = this.mode === "failure" || failing;
    const header = Buffer.alloc(HEADER_BYTES);
    message.copy(header, 0, 0, 2);
    const code = failed ? SERVER_FAILURE : records === undefined ? NAME_ERROR : 0;
    header.writeUInt16BE(REPLY_FLAGS | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(failed ? 0 : answers.length, 6);
    const body = failed ? [] : answers.map(record);
    const answer = Buffer.concat([header, question.bytes, ...body]);
    this.#socket.send(answer, from.port, from.address);
  }
}

function readQuestion(message: Buffer): Question {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = message.readUInt16BE(at + 1);
  return {
    name: labels.join(".").toLowerCase(),
    type,
    bytes: message.subarray(HEADER_BYTES, at + 5),
  };
}

function record(found: DnsRecord): Buffer {
  const data = dataOf(found);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(TYPES[found.type], 0);
  head.writeUInt16BE(CLASS_IN, 2);
  head.writeUInt32BE(1, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([SAME_NAME, head, data]);
}

function dataOf(found: DnsRecord): Buffer {
  if (found.type === "SRV") return serviceData(found);
  if (found.type === "A") return Buffer.from(found.address.split(".").map(Number));
  const words = found.address.split(":").map((word) => Number.parseInt(word || "0", 16));
  const bytes = Buffer.alloc(16);
  words.forEach((word, at) => bytes.writeUInt16BE(word, at * 2));
  return bytes;
}

function serviceData({ priority, weight, port, target }: ServiceRecord): Buffer {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  const labels = target === "" ? [] : target.split(".");
  const bytes = labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([numbers, ...bytes, Buffer.from([0])]);
}
