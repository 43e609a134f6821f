import type { SwimEffect, SwimEvent } from "../../src/core/swim/effects.ts";
import type { MemberInfo } from "../../src/core/swim/member.ts";
import { PacketReader } from "../../src/core/swim/packet-reader.ts";
import { Swim } from "../../src/core/swim/swim.ts";
import { ACTOR_PROFILE, type SwimConfig } from "../../src/core/swim/swim-config.ts";
import { FRAME_MAGIC, type Header, PACKET_MAGIC } from "../../src/core/swim/wire.ts";
import { idOf } from "../../src/core/swim/wire-id.ts";
import { addressOf, bootIdOf, PacketPrinter, writePacket } from "./swim-packets.ts";
import { Words } from "./words.ts";

const SELF = "a";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** What a digest is that no view has. */
const OTHER_DIGEST = 0x0dd0ddd0;
const LONG_MS = 100_000_000_000;

/**
 * Drives one core, the member `a`, by text commands and prints what it does, one line each. Chances come
 * out as 0, so that whoever was heard of last is picked first.
 */
export class SwimScenario {
  readonly #Swim: typeof Swim;
  readonly #printer = new PacketPrinter("abcdefghijklmnopqrstuvwxyz");
  #config: SwimConfig = ACTOR_PROFILE;
  #nowMs = 0;
  #swim: Swim;

  constructor(core: typeof Swim = Swim) {
    this.#Swim = core;
    this.#swim = this.#made(new Words("new"));
  }

  perform(command: string): readonly string[] {
    const [head = "", ...rest] = command.split(";");
    const words = new Words(head);
    const parts = rest.map((text) => new Words(text));
    const lines = this.#command(words, parts);
    return [...lines, ...this.#drain(words.verb === "at" ? undefined : "")];
  }

  #command(words: Words, parts: readonly Words[]): readonly string[] {
    const [first = ""] = words.plain;
    const swim = this.#swim;
    switch (words.verb) {
      case "new":
        this.#nowMs = 0;
        this.#swim = this.#made(words);
        return [];
      case "at":
        return this.#advance(Number(first));
      case "from": {
        const bytes = this.#packet(PACKET_MAGIC, first, words, parts);
        const from = words.text("address") ?? addressOf(first);
        const reason = swim.onPacket(this.#nowMs, from, bytes);
        return reason === undefined ? [] : [`dropped: ${reason}`];
      }
      case "bytes": {
        const length = words.number("length", 0);
        const bytes = new Uint8Array(length);
        bytes.set(words.list("hex").map((byte) => Number.parseInt(byte, 16)));
        return [`dropped: ${swim.onPacket(this.#nowMs, "x:1", bytes) ?? "no"}`];
      }
      case "request": {
        const frame = this.#packet(FRAME_MAGIC, first, words, parts);
        const answer = swim.onRequest(this.#nowMs, frame);
        if (answer === undefined) return ["closed"];
        return [`answer: ${this.#printer.print(FRAME_MAGIC, answer)}`];
      }
      case "answer": {
        const [, peer = ""] = words.plain;
        const frame = this.#packet(FRAME_MAGIC, peer, words, parts);
        swim.onAnswer(this.#nowMs, Number(first), frame);
        return [];
      }
      case "no-answer":
        swim.onNoAnswer(this.#nowMs, Number(first));
        return [];
      default:
        return this.#order(words, first);
    }
  }

  #order(words: Words, first: string): readonly string[] {
    const swim = this.#swim;
    switch (words.verb) {
      case "stall":
        swim.onStall(this.#nowMs, Number(first));
        return [];
      case "meta":
        swim.setMeta(this.#nowMs, encoder.encode(first));
        return [];
      case "leave":
        swim.leave(this.#nowMs);
        return [];
      case "seeds":
        swim.addSeeds(this.#nowMs, words.plain.map(addressOf));
        return [];
      case "members":
        return swim.members().map((member) => `${member.state} ${describe(member)}`);
      case "member": {
        const member = swim.member(first);
        return [member === undefined ? "unknown" : `${member.state} ${describe(member)}`];
      }
      case "drops":
        return Object.entries(swim.drops).map(([reason, count]) => `${reason} ${count}`);
      case "gauges":
        return Object.entries(swim.gauges).map(([name, value]) => `${name} ${value}`);
      case "health":
        return [`health ${swim.health}`];
      case "deadline":
        return [`deadline ${swim.nextDeadline()}`];
      default:
        throw new Error(`no command is called ${words.verb}`);
    }
  }

  #made(words: Words): Swim {
    const given: Record<string, number | boolean> = {};
    for (const [name, value] of words.named) {
      if (name in ACTOR_PROFILE) {
        given[name] = value === "true" || (value !== "false" && Number(value));
      }
    }
    // Rounds of anti-entropy and contacts only where a scenario is about them.
    const quiet = { syncIntervalMs: LONG_MS, contactIntervalMs: LONG_MS };
    this.#config = { ...ACTOR_PROFILE, ...quiet, ...given };
    const generation = words.number("g", 1);
    const swim = new this.#Swim(
      {
        config: this.#config,
        random: { below: (bound) => (bound >= LONG_MS ? bound - 1 : 0) },
        identity: {
          name: SELF,
          address: addressOf(SELF),
          bootId: bootIdOf(SELF, generation),
          generation,
          meta: new Uint8Array(0),
        },
      },
      0,
    );
    const peers = words.list("peers");
    const alive = peers.map((name) => new Words(`alive ${name}`));
    for (const [i, name] of peers.entries()) {
      const part = alive[i];
      if (part !== undefined) swim.onPacket(0, addressOf(name), this.#intro(swim, name, part));
    }
    // What was learnt is no news to anybody: let the queue run dry before the scenario begins.
    while (peers.length > 0 && swim.gauges.spreading > 0) {
      swim.onPacket(0, addressOf(peers[0] ?? ""), this.#intro(swim, peers[0] ?? "", "ping 9 a"));
    }
    swim.take();
    return swim;
  }

  #intro(swim: Swim, name: string, part: Words | string): Uint8Array {
    const header = { ...this.#header(name, 1, 1), digest: swim.digest };
    return writePacket(PACKET_MAGIC, header, [typeof part === "string" ? new Words(part) : part]);
  }

  #header(name: string, generation: number, incarnation: number): Header {
    const clusterHash = this.#config.clusterHash;
    return { clusterHash, sender: idOf(name), generation, incarnation, digest: 0 };
  }

  #packet(magic: number, name: string, words: Words, parts: readonly Words[]): Uint8Array {
    const header = this.#header(name, words.number("g", 1), words.number("i", 1));
    if (words.has("same")) {
      const other = this.#other();
      parts = parts.map((part) => (part.verb === "sync" ? new Words(`sync other=${other}`) : part));
    }
    return writePacket(
      magic,
      {
        ...header,
        clusterHash: words.number("cluster", header.clusterHash),
        digest: words.has("differs") ? OTHER_DIGEST : this.#swim.digest,
      },
      parts,
    );
  }

  /** The core's second digest, as it stands in its own frames. */
  #other(): number {
    const frame = this.#swim.onRequest(
      this.#nowMs,
      this.#packet(FRAME_MAGIC, "z", new Words(""), [new Words("sync")]),
    );
    const reader = new PacketReader();
    reader.open(frame ?? new Uint8Array(0), FRAME_MAGIC);
    return reader.next() && reader.readSync() ? reader.otherDigest : 0;
  }

  #advance(untilMs: number): readonly string[] {
    const lines: string[] = [];
    for (let due = this.#swim.nextDeadline(); due <= untilMs; due = this.#swim.nextDeadline()) {
      this.#nowMs = Math.max(this.#nowMs, due);
      this.#swim.onTick(this.#nowMs);
      lines.push(...this.#drain(`${this.#nowMs} `));
    }
    this.#nowMs = untilMs;
    return lines;
  }

  #drain(prefix = ""): readonly string[] {
    return this.#swim.take().map((effect) => `${prefix}${this.#print(effect)}`);
  }

  #print(effect: SwimEffect): string {
    switch (effect.kind) {
      case "send":
        return `to ${effect.to.split(":")[0]}: ${this.#printer.print(PACKET_MAGIC, effect.bytes)}`;
      case "exchange": {
        const { token, to, bytes, timeoutMs } = effect;
        const said = this.#printer.print(FRAME_MAGIC, bytes);
        return `exchange ${token} with ${to.split(":")[0]} in ${timeoutMs}: ${said}`;
      }
      case "event":
        return `event ${printEvent(effect.event)}`;
    }
  }
}

function printEvent(event: SwimEvent): string {
  switch (event.kind) {
    case "health":
      return `health ${event.score}`;
    case "refused":
      return `refused by ${event.by.split(":")[0]}: ${event.reason}`;
    case "gone":
      return "gone";
    case "conflict":
      return `conflict ${event.conflict} ${describe(event.member)}`;
    case "suspect":
      return `suspect ${describe(event.member)} by ${event.by}`;
    case "update":
      return `update ${describe(event.member)}, was ${describe(event.before)}`;
    default:
      return `${event.kind} ${describe(event.member)}`;
  }
}

function describe(member: MemberInfo): string {
  const { name, address, bootId, generation, incarnation } = member;
  const at = address === addressOf(name) || address === "" ? "" : ` at ${address}`;
  const process = Number.parseInt(bootId.slice(-2), 16);
  const boot = bootId === "" || process === generation ? "" : ` boot ${process}`;
  const meta = member.meta.length === 0 ? "" : ` meta=${decoder.decode(member.meta)}`;
  const when = `${generation === 1 ? "" : ` g${generation}`} i${incarnation}`;
  return `${name}${when}${at}${boot}${meta}`;
}
