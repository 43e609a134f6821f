import type { SimNode } from "../sim-node.ts";
import type { Violation } from "../violation.ts";

/** A drained node has finished, holds no activation and no call, and waits for nothing. */
export function checkNothingLeft(nodes: readonly SimNode[]): readonly Violation[] {
  const found: Violation[] = [];
  for (const { name, node, drained, process } of nodes) {
    const wrong = (message: string): void =>
      void found.push({ checker: "nothing-left", message: `${name} ${message}` });
    if (drained !== true) wrong(`did not finish its drain (${String(drained)})`);
    if (node.table.activations !== 0) wrong(`keeps ${node.table.activations} activations`);
    if (node.table.inFlight !== 0) wrong(`keeps ${node.table.inFlight} calls`);
    if (process.pending !== 0) wrong(`still waits for ${process.pending} events`);
  }
  return found;
}
