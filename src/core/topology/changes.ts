import type { Member } from "../../domain/member.ts";
import type { GoneMember } from "./topology-effects.ts";

/** What has happened and is not dealt with yet. */
export class Changes {
  /** The partition tolerance has to be asked. */
  ask = false;
  readonly #up = new Set<string>();
  readonly #down = new Set<string>();
  readonly #left = new Set<string>();
  readonly #gone = new Map<string, GoneMember>();
  readonly #joined = new Set<string>();
  readonly #changed = new Set<string>();

  get pending(): boolean {
    return this.ask || this.#gone.size > 0 || this.#joined.size > 0 || this.#changed.size > 0;
  }

  /** A member came or returned; what it would have left behind is its own again. */
  came(member: Member): void {
    const { nodeId } = member;
    if (!this.#down.delete(nodeId) && !this.#left.delete(nodeId)) this.#up.add(nodeId);
    this.#gone.delete(processOf(member));
    this.ask = true;
  }

  went(member: Member, how: "dead" | "left"): void {
    const { nodeId } = member;
    this.#joined.delete(nodeId);
    this.#changed.delete(nodeId);
    this.#down.delete(nodeId);
    // Whoever came and went unasked was never counted.
    if (!this.#up.delete(nodeId)) (how === "dead" ? this.#down : this.#left).add(nodeId);
    this.#gone.set(processOf(member), { member, how });
    this.ask = true;
  }

  /** A process is no more, although the partition tolerance need not hear of it. */
  lost(member: Member, how: "restarted" | "fenced"): void {
    this.#gone.set(processOf(member), { member, how });
  }

  joined(nodeId: string): void {
    this.#joined.add(nodeId);
  }

  changed(nodeId: string): void {
    if (!this.#joined.has(nodeId)) this.#changed.add(nodeId);
  }

  /** What the partition tolerance is told, once. */
  told(): { readonly up: string[]; readonly down: string[]; readonly left: string[] } {
    const told = { up: [...this.#up], down: [...this.#down], left: [...this.#left] };
    this.#up.clear();
    this.#down.clear();
    this.#left.clear();
    this.ask = false;
    return told;
  }

  /** What is to be done now; nothing of it is pending afterwards. */
  take(): {
    readonly gone: readonly GoneMember[];
    readonly joined: readonly string[];
    readonly changed: readonly string[];
  } {
    const taken = {
      gone: [...this.#gone.values()],
      joined: [...this.#joined],
      changed: [...this.#changed],
    };
    this.#gone.clear();
    this.#joined.clear();
    this.#changed.clear();
    return taken;
  }
}

function processOf({ nodeId, bootId }: Member): string {
  return `${nodeId} ${bootId}`;
}
