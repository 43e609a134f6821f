import type { Balancer, BalancerCandidate } from "../../../src/contract/index.ts";
import { anyone, countAccepted, hasCredit } from "../kit/choose-among.ts";

/** Most types whose turn is remembered; beyond that the oldest begins anew. */
const MAX_TYPES = 4_096;

/**
 * Smooth weighted round-robin, as nginx does it: each host saves its weight per choice, the richest
 * one is taken and pays the sum. Equal weights give plain turns.
 */
export class RoundRobinBalancer implements Balancer {
  readonly #savings = new Map<string, Map<string, number>>();

  choose(type: string, candidates: readonly BalancerCandidate[]): number {
    const saved = this.#savingsOf(type);
    const accept = countAccepted(candidates, hasCredit) > 0 ? hasCredit : anyone;
    let total = 0;
    let best = 0;
    let bestSaving = -Infinity;
    for (let at = 0; at < candidates.length; at += 1) {
      const candidate = candidates[at];
      if (candidate === undefined || !accept(candidate)) continue;
      const saving = (saved.get(candidate.hostId) ?? 0) + candidate.weight;
      saved.set(candidate.hostId, saving);
      total += candidate.weight;
      if (saving <= bestSaving) continue;
      best = at;
      bestSaving = saving;
    }
    const chosen = candidates[best];
    if (chosen !== undefined) saved.set(chosen.hostId, bestSaving - total);
    if (saved.size > 2 * candidates.length) forgetOthers(saved, candidates);
    return best;
  }

  #savingsOf(type: string): Map<string, number> {
    const known = this.#savings.get(type);
    if (known !== undefined) return known;
    const made = new Map<string, number>();
    if (this.#savings.size >= MAX_TYPES) {
      for (const oldest of this.#savings.keys()) {
        this.#savings.delete(oldest);
        break;
      }
    }
    this.#savings.set(type, made);
    return made;
  }
}

/** Drops hosts that are no longer there, so that the map is bounded by twice the list. */
function forgetOthers(saved: Map<string, number>, candidates: readonly BalancerCandidate[]): void {
  const present = new Set(candidates.map((candidate) => candidate.hostId));
  for (const hostId of saved.keys()) if (!present.has(hostId)) saved.delete(hostId);
}
