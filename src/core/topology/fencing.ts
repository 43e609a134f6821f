import type { Member } from "../../domain/member.ts";
import type { GoneMember } from "./topology-effects.ts";

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5_000;

/** Sessions of dead members that have to be fenced, and those that could not be. */
export class Fencing {
  readonly #waiting = new Map<string, Member>();
  readonly #unfenced = new Map<string, Member>();
  #retryMs = 0;

  /** True while an answer of this round is missing. */
  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  /** Members whose session may still hold actors. */
  get unfenced(): readonly Member[] {
    return [...this.#unfenced.values()];
  }

  /** Begins a round; answers whose session has to be fenced: those that died and have one. */
  begin(gone: readonly GoneMember[]): readonly Member[] {
    for (const { member, how } of gone) {
      if (how === "dead" && member.sessionId !== undefined)
        this.#waiting.set(member.nodeId, member);
    }
    return [...this.#waiting.values()];
  }

  answered(nodeId: string, fenced: boolean): void {
    const member = this.#waiting.get(nodeId);
    if (member === undefined) return;
    this.#waiting.delete(nodeId);
    if (!fenced) this.#unfenced.set(nodeId, member);
  }

  /** Ends the round: who has not answered is not fenced. */
  end(): void {
    for (const [nodeId, member] of this.#waiting) this.#unfenced.set(nodeId, member);
    this.#waiting.clear();
    this.#retryMs = 0;
  }

  /** The answer to a later attempt: the member, if it is fenced now and was not. */
  answeredLate(nodeId: string, fenced: boolean): Member | undefined {
    const member = this.#unfenced.get(nodeId);
    if (!fenced || member === undefined) return undefined;
    this.#unfenced.delete(nodeId);
    return member;
  }

  /** The member is there again, or left: nothing of it needs to be fenced. */
  forget(nodeId: string): void {
    this.#unfenced.delete(nodeId);
  }

  /** How long to wait before the next attempt; longer each time. */
  nextRetryMs(): number {
    this.#retryMs = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, this.#retryMs * 2));
    return this.#retryMs;
  }
}
