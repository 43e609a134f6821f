import { fateOf, firstOk, type Op } from "../history.ts";
import type { Violation } from "../violation.ts";
import { checkLinearizable, type Model, type Operation } from "./linearizability.ts";

export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string | null }
  | { readonly kind: "cas"; readonly expected: string | null; readonly value: string };

/** A read answers the value (null before the first write), a cas whether it was done. */
export type RegisterOutput = string | null | boolean;

type Value = string | null;

/** One value that can be read, written, and compared and set. */
export const REGISTER: Model<Value, RegisterInput, RegisterOutput> = {
  initial: null,
  key: (state) => (state === null ? "" : `=${state}`),
  step(state, input, output) {
    switch (input.kind) {
      case "read":
        return output === undefined || output === state ? { state } : undefined;
      case "write":
        return { state: input.value };
      case "cas": {
        const matches = state === input.expected;
        if (output !== undefined && output !== matches) return undefined;
        return { state: matches ? input.value : state };
      }
    }
  },
};

/** Refused operations must not have happened; reads and answers must fit one order of the others. */
export function checkRegister(name: string, ops: readonly Op[]): readonly Violation[] {
  const history: Entry[] = [];
  for (const op of ops) {
    const fate = fateOf(op);
    if (fate === "failed" || (fate === "unknown" && op.action === "read")) continue;
    const ok = firstOk(op);
    const output = ok === undefined || isWrite(op) ? undefined : ok.value;
    history.push({
      input: inputOf(op),
      output: output as RegisterOutput | undefined,
      called: op.callStamp,
      returned: ok?.stamp ?? Infinity,
      hint: ok === undefined ? Infinity : ok.revision + (isChange(op, output) ? 0 : 0.5),
    });
  }
  const verdict = checkLinearizable(REGISTER, withHints(history));
  if (verdict === "linearizable") return [];
  const message = `${name}: ${history.length} operations are ${verdict}`;
  return [{ checker: "linearizability", message }];
}

type Entry = Operation<RegisterInput, RegisterOutput>;

/** An operation of unknown fate took place, if at all, shortly before its value was first seen. */
function withHints(history: readonly Entry[]): readonly Entry[] {
  const seen = new Map<unknown, number>();
  for (const { input, output, hint = Infinity } of history) {
    if (input.kind === "write" || (input.kind === "cas" && output !== true)) continue;
    const value = input.kind === "read" ? output : input.expected;
    const before = hint - (input.kind === "read" ? 0.75 : 0.25);
    seen.set(value, Math.min(seen.get(value) ?? Infinity, before));
  }
  return history.map((entry) => {
    const { input, hint } = entry;
    if (hint !== Infinity || input.kind === "read") return entry;
    // No value says nothing of when: a register begins without one.
    const known = input.value === null ? undefined : seen.get(input.value);
    return { ...entry, hint: known ?? Number.MAX_SAFE_INTEGER };
  });
}

function isChange(op: Op, output: unknown): boolean {
  return isWrite(op) || output === true;
}

/** A register that is shredded has no value, as one that was never written. */
function isWrite({ action }: Op): boolean {
  return action === "write" || action === "shred" || action === "erase";
}

function inputOf({ action, argument }: Op): RegisterInput {
  if (action === "read") return { kind: "read" };
  if (action === "write") return { kind: "write", value: String(argument) };
  if (action === "shred" || action === "erase") return { kind: "write", value: null };
  const [expected, value] = argument as readonly [string | null, string];
  return { kind: "cas", expected, value };
}
