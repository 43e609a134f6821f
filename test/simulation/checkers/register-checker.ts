import { fateOf, firstOk, type Op } from "../history.ts";
import type { Violation } from "../violation.ts";
import { checkLinearizable, type Model, type Operation } from "./linearizability.ts";

export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string }
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
    const output = ok === undefined || op.action === "write" ? undefined : ok.value;
    history.push({
      input: inputOf(op),
      output: output as RegisterOutput | undefined,
      called: op.callStamp,
      returned: ok?.stamp ?? Infinity,
    });
  }
  // Most unknown writes were never seen: if it fits without them, they need not have happened.
  if (checkLinearizable(REGISTER, seenOnly(history)) === "linearizable") return [];
  if (checkLinearizable(REGISTER, history) !== "not linearizable") return [];
  const message = `${name}: ${history.length} operations fit no order`;
  return [{ checker: "linearizability", message }];
}

type Entry = Operation<RegisterInput, RegisterOutput>;

/** Without the operations of unknown fate whose value nobody has seen. */
function seenOnly(history: readonly Entry[]): readonly Entry[] {
  const seen = new Set<unknown>();
  for (const { input, output } of history) {
    if (input.kind === "read") seen.add(output);
    if (input.kind === "cas" && output === true) seen.add(input.expected);
  }
  return history.filter(
    ({ input, returned }) =>
      returned !== Infinity || (input.kind !== "read" && seen.has(input.value)),
  );
}

function inputOf({ action, argument }: Op): RegisterInput {
  if (action === "read") return { kind: "read" };
  if (action === "write") return { kind: "write", value: String(argument) };
  const [expected, value] = argument as readonly [string | null, string];
  return { kind: "cas", expected, value };
}
