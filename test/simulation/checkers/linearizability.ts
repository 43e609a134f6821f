/** One operation on an object. `returned` is Infinity, and `output` undefined, if nobody knows. */
export interface Operation<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
  readonly called: number;
  readonly returned: number;
}

/** A sequential object: the state after an operation, or `undefined` if its output is impossible. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  step(state: State, input: Input, output: Output | undefined): { readonly state: State } | undefined;
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
  const tried = new Set<string>();
  const path: { readonly entry: Entry; readonly state: State; readonly forced: boolean }[] = [];
  let { initial: state } = model;
  let entry = head.next;
  for (let steps = 0; head.next !== undefined; steps += 1) {
    if (steps > MAX_STEPS) return "undecided";
    if (entry?.match !== undefined) {
      const op = ops[entry.op] as Operation<Input, Output>;
      const after = model.step(state, op.input, op.output);
      if (after !== undefined) {
        flip(done, entry.op);
        const key = `${done.join(",")}|${model.key(after.state)}`;
        if (!tried.has(key)) {
          tried.add(key);
          // What changes nothing and fits may as well come first: no other choice need be tried.
          const forced = op.output !== undefined && model.key(after.state) === model.key(state);
          path.push({ entry, state, forced });
          state = after.state;
          lift(entry);
          entry = head.next;
          continue;
        }
        flip(done, entry.op);
      }
      entry = entry.next;
      continue;
    }
    // A return whose operation is not placed, or the end: the last free choice was wrong.
    let last = path.pop();
    for (; last?.forced === true; last = path.pop()) {
      flip(done, last.entry.op);
      unlift(last.entry);
    }
    if (last === undefined) return "not linearizable";
    state = last.state;
    flip(done, last.entry.op);
    unlift(last.entry);
    entry = last.entry.next;
  }
  return "linearizable";
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
