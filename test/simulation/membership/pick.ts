import type { Prng } from "../../support/prng.ts";

/** The numbers from `first` on, `count` of them. */
export function range(first: number, count: number): number[] {
  return Array.from({ length: Math.max(0, count) }, (_, i) => first + i);
}

/** So many different members, drawn. */
export function some(members: number, count: number, random: Prng): number[] {
  const all = range(0, members);
  return Array.from({ length: Math.min(count, members) }, () => {
    const [picked = 0] = all.splice(random.below(all.length), 1);
    return picked;
  });
}
