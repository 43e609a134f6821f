import { PacketReader } from "../../src/core/swim/packet-reader.ts";
import { PacketWriter } from "../../src/core/swim/packet-writer.ts";
import {
  ACK,
  ALIVE_PART,
  DEAD_PART,
  type Header,
  LEFT_PART,
  NACK,
  PING,
  PING_REQUEST,
  REFUSALS,
  REFUSED,
  SUSPECT_PART,
  SYNC,
} from "../../src/core/swim/wire.ts";
import { idOf } from "../../src/core/swim/wire-id.ts";
import type { Words } from "./words.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Member `x` is at `x:1`, and its process is numbered 1 unless a text says otherwise. */
export const addressOf = (name: string): string => `${name}:1`;

export function bootIdOf(name: string, process: number): string {
  const letter = name.charCodeAt(0).toString(16).padStart(2, "0");
  return letter.repeat(7) + process.toString(16).padStart(2, "0");
}

/** Writes parts as they are said in scenarios. */
export function writePacket(magic: number, header: Header, parts: readonly Words[]): Uint8Array {
  const writer = new PacketWriter(100_000);
  writer.begin(magic, header);
  for (const words of parts) writePart(writer, words);
  return writer.finish();
}

function writePart(writer: PacketWriter, words: Words): void {
  const [first = "", second = ""] = words.plain;
  const [generation, incarnation] = [words.number("g", 1), words.number("i", 1)];
  const ageText = words.text("age");
  const age = ageText === undefined ? undefined : Number(ageText);
  const from = idOf(words.text("from") ?? first);
  switch (words.verb) {
    case "ping":
      return writer.ping(Number(first), idOf(second === "" ? "a" : second));
    case "ping-req":
      return writer.pingRequest(Number(first), words.number("nack", 240), idOf(second));
    case "ack":
      return writer.answer(ACK, Number(first));
    case "nack":
      return writer.answer(NACK, Number(first));
    case "suspect":
      return writer.statement(SUSPECT_PART, idOf(first), { generation, incarnation }, from, age);
    case "dead":
      return writer.statement(DEAD_PART, idOf(first), { generation, incarnation }, from, age);
    case "left":
      return writer.statement(LEFT_PART, idOf(first), { generation, incarnation }, from, age);
    case "alive":
      return writer.alive({
        name: first,
        address: words.text("address") ?? addressOf(first),
        bootId: bootIdOf(first, words.number("boot", generation)),
        generation,
        incarnation,
        wireMin: words.number("min", 1),
        wireMax: words.number("max", 1),
        meta: encoder.encode(words.text("meta") ?? ""),
      });
    case "sync":
      return writer.sync(words.number("strategy", 0), words.number("other", 0));
    case "refused":
      return writer.refused(REFUSALS.findIndex((reason) => reason === first));
    case "unknown":
      writer.head(Number(first), 2);
      return writer.u16(0xbeef);
    case "raw":
      for (const byte of words.list("bytes")) writer.u8(Number.parseInt(byte, 16));
      return;
    default:
      throw new Error(`no part is called ${words.verb}`);
  }
}

/** Says what a packet holds, with names for ids. */
export class PacketPrinter {
  readonly #names = new Map<string, string>();
  readonly #reader = new PacketReader();

  constructor(names: Iterable<string>) {
    for (const name of names) this.learn(name);
  }

  learn(name: string): void {
    const { hi, lo } = idOf(name);
    this.#names.set(`${hi} ${lo}`, name);
    this.#names.set(String(lo), name);
  }

  print(magic: number, bytes: Uint8Array): string {
    const reader = this.#reader;
    const fault = reader.open(bytes, magic);
    if (fault !== undefined) throw new Error(`a packet that cannot be read: ${fault}`);
    const parts: string[] = [];
    while (reader.next()) parts.push(this.#part());
    if (!reader.isWhole) throw new Error("a packet that is cut off");
    return parts.join(" + ");
  }

  #part(): string {
    const reader = this.#reader;
    const answer = reader.readAnswer();
    switch (reader.tag) {
      case PING:
        reader.readPing();
        return `ping ${reader.seq} ${this.#names.get(String(reader.idLo))}`;
      case PING_REQUEST:
        reader.readPingRequest();
        return `ping-req ${reader.seq} ${this.#name(reader.idHi, reader.idLo)} nack=${reader.nackDelayMs}`;
      case ACK:
        return `ack ${reader.seq}`;
      case NACK:
        return `nack ${answer ? reader.seq : "?"}`;
      case ALIVE_PART: {
        reader.readAlive();
        const meta = decoder.decode(reader.meta);
        const at = reader.address === addressOf(reader.name) ? "" : ` at ${reader.address}`;
        return `alive ${reader.name}${this.#when()}${at}${meta === "" ? "" : ` meta=${meta}`}`;
      }
      case SYNC:
        return "sync";
      case REFUSED:
        reader.readRefused();
        return `refused ${REFUSALS[reader.reason]}`;
      default:
        return this.#statement();
    }
  }

  #statement(): string {
    const reader = this.#reader;
    reader.readStatement();
    const verbs = new Map([
      [SUSPECT_PART, "suspect"],
      [DEAD_PART, "dead"],
      [LEFT_PART, "left"],
    ]);
    const about = this.#name(reader.idHi, reader.idLo);
    const from = this.#name(reader.fromHi, reader.fromLo);
    const by = reader.tag === LEFT_PART ? "" : ` from ${from}`;
    const age = reader.ageS === 0 ? "" : ` age ${reader.ageS}`;
    return `${verbs.get(reader.tag)} ${about}${this.#when()}${by}${age}`;
  }

  #when(): string {
    const { generation, incarnation } = this.#reader;
    return `${generation === 1 ? "" : ` g${generation}`} i${incarnation}`;
  }

  #name(hi: number, lo: number): string {
    return this.#names.get(`${hi} ${lo}`) ?? "?";
  }
}
