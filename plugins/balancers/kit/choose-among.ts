import type { BalancerCandidate, PluginRandom } from "../../../src/contract/index.ts";

/** Says whether a candidate takes part in a choice. */
export type Accept = (candidate: BalancerCandidate) => boolean;

/** Candidates that may be given a call now. */
export const hasCredit: Accept = (candidate) => candidate.credit > 0;

/** Every candidate, for when none has credit and the call has to wait somewhere. */
export const anyone: Accept = () => true;

/** How many candidates take part. */
export function countAccepted(candidates: readonly BalancerCandidate[], accept: Accept): number {
  let count = 0;
  for (const candidate of candidates) if (accept(candidate)) count += 1;
  return count;
}

/**
 * The less loaded of two candidates drawn at random among those that take part (the power of two
 * choices, Mitzenmacher 2001), or -1 if none does. Load is calls in flight by weight.
 */
export function lessLoadedOfTwo(
  candidates: readonly BalancerCandidate[],
  accept: Accept,
  random: PluginRandom,
): number {
  const count = countAccepted(candidates, accept);
  if (count === 0) return -1;
  const drawn = Math.floor(random.unit() * count);
  const first = nthAccepted(candidates, accept, drawn);
  if (count === 1) return first;
  const other = (drawn + 1 + Math.floor(random.unit() * (count - 1))) % count;
  const second = nthAccepted(candidates, accept, other);
  return load(candidates[second]) < load(candidates[first]) ? second : first;
}

function nthAccepted(
  candidates: readonly BalancerCandidate[],
  accept: Accept,
  nth: number,
): number {
  let left = nth;
  for (let at = 0; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (candidate === undefined || !accept(candidate)) continue;
    if (left === 0) return at;
    left -= 1;
  }
  return 0;
}

/** The call to come counts, so that an idle host of greater weight beats an idle one of less. */
function load(candidate: BalancerCandidate | undefined): number {
  return candidate === undefined ? Infinity : (candidate.inFlight + 1) / candidate.weight;
}
