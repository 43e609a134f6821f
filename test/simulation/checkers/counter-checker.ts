import { firstOk, fateOf, type Op } from "../history.ts";
import type { CounterState } from "../sim-actors.ts";
import type { Violation } from "../violation.ts";

interface Placed {
  readonly op: Op;
  readonly position: number;
  readonly returned: number;
}

/**
 * A counter that keeps all it was told: what was acknowledged is there, once, at the position that
 * was answered; what was refused is not; nothing is there that nobody sent; and no operation lies
 * behind one that began after it had ended. Reads lie between the positions that they saw.
 */
export function checkCounter(ops: readonly Op[], final: CounterState): readonly Violation[] {
  const found: string[] = [];
  const positions = new Map<string, number>();
  final.ops.forEach((id, i) => {
    if (positions.has(id)) found.push(`${id} took effect twice`);
    else positions.set(id, i + 1);
  });
  const sent = new Set(ops.map((op) => op.argument));
  for (const id of positions.keys()) if (!sent.has(id)) found.push(`${id} was never sent here`);
  const placed: Placed[] = [];
  for (const op of ops) {
    const position = positions.get(String(op.argument));
    const place = op.action === "get" ? placeOfRead(op, final) : placeOfChange(op, position);
    if (typeof place === "string") found.push(`${op.id} ${place}`);
    else if (place !== undefined) placed.push(place);
  }
  found.push(...checkOrder(placed));
  return found.map((message) => ({ checker: "counter", message }));
}

/** Where a read lies, or what is wrong with it. */
function placeOfRead(op: Op, final: CounterState): Placed | string | undefined {
  const ok = firstOk(op);
  if (ok === undefined) return undefined;
  const seen = (ok.value as CounterState | undefined)?.ops ?? [];
  if (seen.some((id, i) => final.ops[i] !== id)) return "read what is not there";
  return { op, position: seen.length + 0.5, returned: ok.stamp };
}

/** Where a change lies that took effect, or what is wrong with it. */
function placeOfChange(op: Op, position: number | undefined): Placed | string | undefined {
  const ok = firstOk(op);
  if (position === undefined) {
    return ok === undefined ? undefined : "was acknowledged and is lost";
  }
  if (ok !== undefined && ok.value !== position) {
    return `was answered ${String(ok.value)} and lies at ${position}`;
  }
  if (fateOf(op) === "failed" || op.action === "refuse") return "was refused and took effect";
  return { op, position, returned: ok?.stamp ?? Infinity };
}

/** Sweeps from the highest position down: nothing may begin after something higher has ended. */
function checkOrder(placed: Placed[]): readonly string[] {
  placed.sort((a, b) => b.position - a.position || b.op.callStamp - a.op.callStamp);
  let earliest: Placed | undefined;
  let pending: Placed[] = [];
  const found: string[] = [];
  for (const one of placed) {
    // Reads of one position are in no order among themselves.
    if (pending[0] !== undefined && pending[0].position !== one.position) {
      for (const higher of pending) {
        if (higher.returned < (earliest?.returned ?? Infinity)) earliest = higher;
      }
      pending = [];
    }
    if (earliest !== undefined && one.op.callStamp > earliest.returned) {
      found.push(`${one.op.id} began after ${earliest.op.id} had ended, and lies before it`);
    }
    pending.push(one);
  }
  return found;
}
