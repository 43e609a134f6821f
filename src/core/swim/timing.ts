import type { SwimConfig } from "./swim-config.ts";

/** Shortest and longest time of a suspicion, and the confirmations that lead to the shortest. */
export interface SuspicionTimes {
  readonly minMs: number;
  readonly maxMs: number;
  readonly confirmations: number;
}

/** The logarithm to base 10 in thousandths, cut off; at least 1,000. The sum hides an engine's last bit. */
function scaleInThousandths(n: number): number {
  return Math.floor(Math.max(1, Math.log10(Math.max(1, n))) * 1_000 + 1e-6);
}

/** `mult × max(1, log₁₀ n) × interval`: the shortest suspicion among `n` members. */
export function suspicionTimeout(mult: number, n: number, intervalMs: number): number {
  return Math.floor((mult * scaleInThousandths(n) * intervalMs) / 1_000);
}

/** The times of a suspicion that begins among `n` members. */
export function suspicionTimes(config: SwimConfig, n: number): SuspicionTimes {
  const { suspicionMult, suspicionMaxMult, probeIntervalMs } = config;
  const minMs = suspicionTimeout(suspicionMult, n, probeIntervalMs);
  const wanted = suspicionMult - 2;
  // With too few members to confirm, waiting for confirmations would be waiting for nothing.
  const confirmations = n - 2 < wanted ? 0 : wanted;
  return { minMs, maxMs: suspicionMaxMult * minMs, confirmations };
}

/** How long a suspicion with `confirmed` distinct confirmations lasts in all (Lifeguard, 2017). */
export function suspicionLength(times: SuspicionTimes, confirmed: number): number {
  const { minMs, maxMs, confirmations } = times;
  if (confirmations < 1) return minMs;
  const share = Math.log(confirmed + 1) / Math.log(confirmations + 1);
  return Math.max(minMs, Math.floor(maxMs - share * (maxMs - minMs)));
}

/** `mult × ⌈log₁₀(n + 1)⌉`: how often one statement is sent. The logarithm is n's count of digits. */
export function retransmitLimit(mult: number, n: number): number {
  let digits = 0;
  for (let rest = n; rest >= 1; rest /= 10) digits += 1;
  return mult * digits;
}

/** How much rarer full exchanges are among `n` members: one more for every doubling beyond 32. */
export function syncScale(n: number): number {
  let scale = 1;
  for (let size = 32; size < n; size *= 2) scale += 1;
  return scale;
}

/** How many members a leaving one tells directly: `min(n, max(gossipNodes, 2⌈log₂ n⌉))`. */
export function leaveFanOut(gossipNodes: number, n: number): number {
  return Math.min(n, Math.max(gossipNodes, 2 * Math.ceil(Math.log2(Math.max(1, n)))));
}

/**
 * How long a relay waits before it says that it lives but has heard nothing. Travels in the request,
 * so that a relay keeps to the asker's times and the answer is there before the asker's verdict.
 */
export function nackDelay(config: SwimConfig): number {
  const { probeIntervalMs, probeTimeoutMs } = config;
  const budgetMs = Math.min(probeTimeoutMs, probeIntervalMs - probeTimeoutMs - 50);
  return Math.max(1, Math.floor(0.8 * budgetMs));
}
