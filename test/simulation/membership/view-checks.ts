import type { SimMember } from "./sim-member.ts";
import type { Violation } from "./violation.ts";

/** So many observers are looked through at a time; all of a small cluster. */
const OBSERVERS = 32;
const MOST_VIOLATIONS = 5;

/** What each member has said of itself so far: its generations, and the highest incarnation in each. */
export class IssuedLog {
  readonly #highest = new Map<string, Map<number, number>>();

  note(nodes: readonly SimMember[]): void {
    for (const { name, swim } of nodes) {
      const own = swim?.member(name);
      if (own === undefined) continue;
      const generations = this.#highest.get(name) ?? new Map<number, number>();
      this.#highest.set(name, generations.set(own.generation, own.incarnation));
    }
  }

  /** The highest incarnation that the member has had in the generation; 0 if it never ran in it. */
  highest(name: string, generation: number): number {
    return this.#highest.get(name)?.get(generation) ?? 0;
  }
}

/** C1: nobody holds more of a member than it has said itself. Call `note` before. */
export function checkIssued(
  nodes: readonly SimMember[],
  issued: IssuedLog,
  nowMs: number,
): readonly Violation[] {
  const found: Violation[] = [];
  const step = Math.max(1, Math.floor(nodes.length / OBSERVERS));
  const first = Math.floor(nowMs / 1_000) % step;
  for (let at = first; at < nodes.length && found.length < MOST_VIOLATIONS; at += step) {
    const observer = nodes[at];
    for (const held of observer?.swim?.members() ?? []) {
      if (held.incarnation <= issued.highest(held.name, held.generation)) continue;
      const what = `${held.name} in g${held.generation} i${held.incarnation}`;
      const message = `${nowMs} ms: ${observer?.name} holds ${what}, which it never was`;
      found.push({ checker: "issued", message });
    }
  }
  return found;
}

/** C3: nothing that grows with trouble grows without bound. */
export function checkGauges(
  nodes: readonly SimMember[],
  members: number,
  nowMs: number,
): readonly Violation[] {
  return nodes
    .flatMap(({ name, swim }) => {
      if (swim === undefined) return [];
      const gauges = swim.gauges;
      const bounds: Readonly<Record<keyof typeof gauges, number>> = {
        live: members,
        suspected: members,
        tombstones: Math.max(4_096, 4 * members),
        spreading: Math.max(4_096, 2 * members),
        relayed: 1_024,
        exchanges: 16,
      };
      const over = Object.entries(gauges).filter(
        ([key, value]) => value > bounds[key as keyof typeof bounds],
      );
      return over.map(([key, value]): Violation => {
        return { checker: "bounds", message: `${nowMs} ms: ${name} has ${value} ${key}` };
      });
    })
    .slice(0, MOST_VIOLATIONS);
}

/** Whether all that run hold the same members, namely themselves. */
export function agree(nodes: readonly SimMember[]): boolean {
  const running = nodes.filter(({ isMember }) => isMember);
  const digest = running[0]?.swim?.digest;
  return running.every(
    ({ swim }) => swim?.digest === digest && swim?.gauges.live === running.length,
  );
}

/** C6: all that run hold the same members, namely themselves. */
export function checkDigests(nodes: readonly SimMember[]): readonly Violation[] {
  const running = nodes.filter(({ isMember }) => isMember);
  const first = running[0]?.swim;
  if (first === undefined) return [];
  return running.flatMap(({ name, swim }): Violation[] => {
    if (swim === undefined) return [];
    if (swim.digest === first.digest && swim.gauges.live === running.length) return [];
    const held = swim.members().map((member) => member.name);
    const missing = running.filter((other) => !held.includes(other.name)).map((one) => one.name);
    const extra = held.filter((other) => !running.some((one) => one.name === other));
    const lists = [missing, extra].map((list) => list.slice(0, 8).join(" "));
    const message = `${name} holds ${held.length} of ${running.length} members, lacks [${lists[0]}], has too many [${lists[1]}]`;
    return [{ checker: "digest", message }];
  });
}
