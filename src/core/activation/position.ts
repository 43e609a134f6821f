/** Where an actor stands in its store. Neither number ever goes back. */
export interface Position {
  readonly epoch: number;
  readonly revision: number;
}

/** How a store can have lost what it once confirmed: part of an actor's life, or its whole row. */
export type Loss = "STORE_REGRESSED" | "STATE_MISSING";

/** What a store has lost that answers `found` for an actor known to have stood at `known`. */
export function lossOf(known: Position, found: Position | undefined): Loss | undefined {
  // Nothing is known of an actor that was never claimed.
  if (known.epoch === 0) return undefined;
  if (found === undefined) return "STATE_MISSING";
  const isBehind = found.epoch < known.epoch || found.revision < known.revision;
  return isBehind ? "STORE_REGRESSED" : undefined;
}

/** The higher of both, in each number. */
export function furthest(a: Position, b: Position | undefined): Position {
  if (b === undefined) return a;
  return { epoch: Math.max(a.epoch, b.epoch), revision: Math.max(a.revision, b.revision) };
}
