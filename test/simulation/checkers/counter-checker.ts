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
  const found: Violation[] = [];
  const wrong = (message: string): void => void found.push({ checker: "counter", message });
  const positions = new Map<string, number>();
  final.ops.forEach((id, i) => {
    if (positions.has(id)) wrong(`${id} took effect twice`);
    else positions.set(id, i + 1);
  });
  const sent = new Set(ops.map((op) => op.argument));
  for (const id of positions.keys()) if (!sent.has(id)) wrong(`${id} was never sent here`);
  const placed: Placed[] = [];
  for (const op of ops) {
    const ok = firstOk(op);
    if (op.action === "get") {
      if (ok === undefined) continue;
      const seen = (ok.value as CounterState | undefined)?.ops ?? [];
      if (seen.some((id, i) => final.ops[i] !== id)) wrong(`${op.id} read what is not there`);
      placed.push({ op, position: seen.length + 0.5, returned: ok.stamp });
      continue;
    }
    const position = positions.get(String(op.argument));
    if (ok !== undefined && position === undefined) wrong(`${op.id} was acknowledged and is lost`);
    if (ok !== undefined && position !== undefined && ok.value !== position) {
      wrong(`${op.id} was answered ${String(ok.value)} and lies at ${position}`);
    }
    if (position === undefined) continue;
    if (fateOf(op) === "failed" || op.action === "refuse") {
      wrong(`${op.id} was refused and took effect`);
    }
    placed.push({ op, position, returned: ok?.stamp ?? Infinity });
  }
  return [...found, ...checkOrder(placed)];
}

/** Sweeps from the highest position down: nothing may begin after something higher has ended. */
function checkOrder(placed: Placed[]): readonly Violation[] {
  placed.sort((a, b) => b.position - a.position || b.op.callStamp - a.op.callStamp);
  let earliest: Placed | undefined;
  let pending: Placed[] = [];
  const found: Violation[] = [];
  for (const one of placed) {
    // Reads of one position are in no order among themselves.
    if (pending[0] !== undefined && pending[0].position !== one.position) {
      for (const higher of pending) {
        if (higher.returned < (earliest?.returned ?? Infinity)) earliest = higher;
      }
      pending = [];
    }
    if (earliest !== undefined && one.op.callStamp > earliest.returned) {
      const message = `${one.op.id} began after ${earliest.op.id} had ended, and lies before it`;
      found.push({ checker: "counter", message });
    }
    pending.push(one);
  }
  return found;
}
