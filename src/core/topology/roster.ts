import type { Member } from "../../domain/member.ts";
import { compareText, type Topology } from "../../domain/topology.ts";
import { type SettleOptions, Settling } from "../placement/settling.ts";

/** Dead members that are remembered; the longest dead goes. */
const DEAD_REMEMBERED = 4_096;

interface Entry {
  readonly member: Member;
  readonly suspect: boolean;
  readonly settled: boolean;
  /** Gone, and still in the topology until its actors are given to others. */
  readonly going: boolean;
}

interface Dead {
  readonly bootId: string;
  readonly sinceMs: number;
}

/** The members of one system, this node among them, and the dead ones it remembers. */
export class Roster {
  readonly #settling: Settling;
  readonly #entries = new Map<string, Entry>();
  readonly #dead = new Map<string, Dead>();
  #version = 0;

  constructor(settle: SettleOptions) {
    this.#settling = new Settling(settle);
  }

  get(nodeId: string): Readonly<Entry> | undefined {
    return this.#entries.get(nodeId);
  }

  /** Puts a member in that came or came back; true if it may be given actors at once. */
  enter(member: Member, aliveForMs: number, nowMs: number): boolean {
    const { nodeId } = member;
    this.#settling.up(nodeId, nowMs, aliveForMs);
    const settled = this.#settling.isSettled(nodeId, nowMs);
    this.#entries.set(nodeId, { member, suspect: false, settled, going: false });
    this.#dead.delete(nodeId);
    return settled;
  }

  /** Keeps what is new of a member that is there. */
  update(member: Member): void {
    const before = this.#entries.get(member.nodeId);
    if (before !== undefined) this.#entries.set(member.nodeId, { ...before, member });
  }

  /** Believes a member suspect or not; false if that was so, or there is none. */
  suspect(nodeId: string, suspect: boolean): boolean {
    const before = this.#entries.get(nodeId);
    if (before === undefined || before.suspect === suspect) return false;
    this.#entries.set(nodeId, { ...before, suspect });
    return true;
  }

  /** The member is dead: it is going, and it stays known. */
  died(member: Member, nowMs: number): void {
    const { nodeId, bootId } = member;
    this.#go(nodeId);
    this.#settling.died(nodeId, nowMs);
    this.#dead.delete(nodeId);
    this.#dead.set(nodeId, { bootId, sinceMs: nowMs });
    const [longest] = this.#dead.keys();
    if (this.#dead.size > DEAD_REMEMBERED && longest !== undefined) this.#dead.delete(longest);
  }

  /** The member has left: it is going, and it is not known any more. */
  left(nodeId: string): void {
    this.#go(nodeId);
    this.#settling.left(nodeId);
  }

  /** The member's process is no more, and another takes its place at once. */
  restarts(nodeId: string, nowMs: number): void {
    this.#settling.died(nodeId, nowMs);
    this.#entries.delete(nodeId);
  }

  remove(nodeId: string): void {
    this.#entries.delete(nodeId);
  }

  /** The process that a member died as, if it is remembered. */
  diedAs(nodeId: string): string | undefined {
    return this.#dead.get(nodeId)?.bootId;
  }

  /** Forgets a dead member; false if it was not remembered. */
  forget(nodeId: string): boolean {
    return this.#dead.delete(nodeId);
  }

  /** Forgets every member that died before `sinceMs`. */
  forgetBefore(sinceMs: number): void {
    for (const [nodeId, dead] of this.#dead) {
      if (dead.sinceMs < sinceMs) this.#dead.delete(nodeId);
    }
  }

  /** Members that may be given actors from now on. */
  settle(nowMs: number): readonly string[] {
    const settled: string[] = [];
    for (const [nodeId, entry] of this.#entries) {
      if (entry.settled || entry.going || !this.#settling.isSettled(nodeId, nowMs)) continue;
      this.#entries.set(nodeId, { ...entry, settled: true });
      settled.push(nodeId);
    }
    return settled.sort(compareText);
  }

  /** When the next member settles, or `undefined` if all have. */
  nextSettleMs(nowMs: number): number | undefined {
    return this.#settling.nextAtMs(nowMs);
  }

  /** Node ids of who is there, ordered. */
  alive(): readonly string[] {
    const there = [...this.#entries.values()].filter(({ going }) => !going);
    return there.map(({ member }) => member.nodeId).sort(compareText);
  }

  /** Node ids of everybody ever seen that has not left, ordered. */
  known(): readonly string[] {
    return [...new Set([...this.alive(), ...this.#dead.keys()])].sort(compareText);
  }

  /** The next version of the topology. Who is going is a suspect in it: it keeps what it has. */
  next(): Topology {
    this.#version += 1;
    const members = [...this.#entries.values()]
      .map(({ member, suspect, settled, going }) => ({
        member,
        suspect: suspect || going,
        settled,
      }))
      .sort((a, b) => compareText(a.member.nodeId, b.member.nodeId));
    return { version: this.#version, members };
  }

  #go(nodeId: string): void {
    const before = this.#entries.get(nodeId);
    if (before !== undefined) this.#entries.set(nodeId, { ...before, going: true });
  }
}
