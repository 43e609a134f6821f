/** A broken invariant: a bug of ours, never the caller's mistake. Ends the turn it is thrown in. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws `InvariantError` unless `condition` holds. `what` names the invariant, in lower case. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}

/** For the `default` of an exhaustive `switch`: the compiler refuses a missing case. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`${what}: ${String(value)}`);
}
