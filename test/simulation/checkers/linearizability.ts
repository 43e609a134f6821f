/** One operation on an object. `returned` is Infinity, and `output` undefined, if nobody knows. */
export interface Operation<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
  readonly called: number;
  readonly returned: number;
  /** A guess at its place; decides only what is tried first. */
  readonly hint?: number;
}

/** A sequential object: the state after an operation, or `undefined` if its output is impossible. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  step(
    state: State,
    input: Input,
    output: Output | undefined,
  ): { readonly state: State } | undefined;
  /** Equal states have equal keys. */
  key(state: State): string;
}

export type Verdict = "linearizable" | "not linearizable" | "undecided";

interface Entry {
  readonly op: number;
  /** The entry of the return, at a call. */
  match: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** How much the search may try before it gives up. */
const MAX_STEPS = 3_000_000;

/** One choice of the search: what could come next, and what has been tried of it. */
interface Choice<State> {
  readonly state: State;
  readonly candidates: readonly Entry[];
  tried: number;
}

/**
 * Wing and Gong's search for a sequential order (1993), with Lowe's memory of what was tried (2017):
 * pairs of the set of operations done and the state they led to.
 */
export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  ops: readonly Operation<Input, Output>[],
): Verdict {
  const head = entriesOf(ops);
  const done = new Uint32Array((ops.length >> 5) + 1);
  const seen = new Set<string>();
  const path: Choice<State>[] = [];
  let choice: Choice<State> = {
    state: model.initial,
    candidates: candidatesOf(head, ops),
    tried: 0,
  };
  for (let steps = 0; head.next !== undefined; steps += 1) {
    if (steps > MAX_STEPS) return "undecided";
    const entry = choice.candidates[choice.tried];
    if (entry === undefined) {
      // Whatever comes next, something does not fit: the choice before was wrong.
      const before = path.pop();
      if (before === undefined) return "not linearizable";
      const wrong = before.candidates[before.tried] as Entry;
      flip(done, wrong.op);
      unlift(wrong);
      before.tried += 1;
      choice = before;
      continue;
    }
    const op = ops[entry.op] as Operation<Input, Output>;
    const after = model.step(choice.state, op.input, op.output);
    if (after === undefined || !isNew(seen, done, entry.op, model.key(after.state))) {
      choice.tried += 1;
      continue;
    }
    // What fits and changes nothing may as well come first: nothing else need be tried here.
    const isFree = op.output !== undefined && model.key(after.state) === model.key(choice.state);
    path.push(isFree ? { state: choice.state, candidates: [entry], tried: 0 } : choice);
    lift(entry);
    choice = { state: after.state, candidates: candidatesOf(head, ops), tried: 0 };
  }
  return "linearizable";
}

/** Marks the operation as done, unless the same has been tried before. */
function isNew(seen: Set<string>, done: Uint32Array, op: number, state: string): boolean {
  flip(done, op);
  const key = `${done.join(",")}|${state}`;
  if (!seen.has(key)) {
    seen.add(key);
    return true;
  }
  flip(done, op);
  return false;
}

/** The operations that had begun before any other ended, likely ones first. */
function candidatesOf(head: Entry, ops: readonly Operation<unknown, unknown>[]): readonly Entry[] {
  const found: Entry[] = [];
  for (let at = head.next; at?.match !== undefined; at = at.next) found.push(at);
  const hint = (entry: Entry): number => ops[entry.op]?.hint ?? entry.op;
  return found.length < 2 ? found : found.sort((a, b) => hint(a) - hint(b));
}

/** Calls and returns in order of time, linked; the returned entry stands before the first. */
function entriesOf(ops: readonly Operation<unknown, unknown>[]): Entry {
  const events: { readonly at: number; readonly entry: Entry }[] = [];
  ops.forEach(({ called, returned }, op) => {
    const end: Entry = { op, match: undefined, previous: undefined, next: undefined };
    const begin: Entry = { op, match: end, previous: undefined, next: undefined };
    events.push({ at: called, entry: begin }, { at: returned, entry: end });
  });
  events.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  const head: Entry = { op: -1, match: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const { entry } of events) {
    entry.previous = last;
    last.next = entry;
    last = entry;
  }
  return head;
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

function lift(call: Entry): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

function unlift(call: Entry): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function flip(bits: Uint32Array, at: number): void {
  const word = at >> 5;
  bits[word] = (bits[word] ?? 0) ^ (1 << (at & 31));
}
