import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Attempt, Heard, Op } from "../history.ts";
import { checkCounter } from "./counter-checker.ts";
import { checkLinearizable, type Operation } from "./linearizability.ts";
import {
  checkRegister,
  REGISTER,
  type RegisterInput,
  type RegisterOutput,
} from "./register-checker.ts";
import { checkReplies } from "./replies-checker.ts";

type Entry = Operation<RegisterInput, RegisterOutput>;

const END = Infinity;

function write(value: string, called: number, returned: number): Entry {
  return { input: { kind: "write", value }, output: undefined, called, returned };
}

function read(output: string | null, called: number, returned: number): Entry {
  return { input: { kind: "read" }, output, called, returned };
}

function cas(
  expected: string | null,
  value: string,
  output: boolean | undefined,
  called: number,
  returned: number,
): Entry {
  return { input: { kind: "cas", expected, value }, output, called, returned };
}

/** Histories whose verdict is known, by what they show. */
const GOOD: readonly (readonly [string, readonly Entry[]])[] = [
  ["nothing", []],
  ["one after another", [write("a", 1, 2), read("a", 3, 4), cas("a", "b", true, 5, 6)]],
  ["a read beside a write sees the old value", [write("a", 1, 4), read(null, 2, 3)]],
  ["a read beside a write sees the new value", [write("a", 1, 4), read("a", 2, 3)]],
  [
    "two reads beside a write, old before new",
    [write("a", 1, 9), read(null, 2, 3), read("a", 4, 5)],
  ],
  [
    "an unknown write that never happened",
    [write("a", 1, END), read(null, 2, 3), read(null, 4, 5)],
  ],
  ["an unknown write seen late", [write("a", 1, END), read(null, 2, 3), read("a", 4, 5)]],
  ["an unknown cas that must have happened", [cas(null, "a", undefined, 1, END), read("a", 2, 3)]],
  [
    "a failed cas explained by an unseen unknown write",
    [write("a", 1, 2), write("b", 3, END), cas("a", "c", false, 4, 5)],
  ],
  [
    "one of two cas at once wins",
    [cas(null, "a", true, 1, 4), cas(null, "b", false, 2, 5), read("a", 6, 7)],
  ],
  [
    "writes at once in the order that reads saw",
    [write("a", 1, 9), write("b", 2, 9), read("b", 3, 4), read("a", 5, 6)],
  ],
];

const BAD: readonly (readonly [string, readonly Entry[]])[] = [
  ["a stale read", [write("a", 1, 2), write("b", 3, 4), read("a", 5, 6)]],
  ["a lost write", [write("a", 1, 2), read(null, 3, 4)]],
  ["a value out of nowhere", [write("a", 1, 2), read("z", 3, 4)]],
  ["new before old", [write("a", 1, 9), read("a", 2, 3), read(null, 4, 5)]],
  [
    "two cas from the same value that both won",
    [cas(null, "a", true, 1, 4), cas(null, "b", true, 2, 5)],
  ],
  ["a cas that failed for no reason", [write("a", 1, 2), cas("a", "b", false, 3, 4)]],
  [
    "a write that was undone",
    [write("a", 1, 2), write("b", 3, 4), read("b", 5, 6), read("a", 7, 8)],
  ],
  [
    "an unknown write seen, then unseen",
    [write("a", 1, 2), write("b", 3, END), read("b", 4, 5), read("a", 6, 7)],
  ],
  [
    "reads that disagree about the order",
    [write("a", 1, 9), write("b", 1, 9), read("a", 2, 3), read("b", 4, 5), read("a", 6, 7)],
  ],
];

describe("the linearizability checker", () => {
  test.each(GOOD)("accepts %s", (_, history) => {
    expect(checkLinearizable(REGISTER, history)).toBe("linearizable");
  });

  test.each(BAD)("refuses %s", (_, history) => {
    expect(checkLinearizable(REGISTER, history)).toBe("not linearizable");
  });

  test("agrees with trying every order, for small histories", () => {
    const value = fc.constantFrom("a", "b");
    const input: fc.Arbitrary<RegisterInput> = fc.oneof(
      fc.constant({ kind: "read" as const }),
      fc.record({ kind: fc.constant("write" as const), value }),
      fc.record({
        kind: fc.constant("cas" as const),
        expected: fc.constantFrom(null, "a", "b"),
        value,
      }),
    );
    const entry = fc
      .record({
        input,
        seen: fc.constantFrom(null, "a", "b"),
        won: fc.boolean(),
        called: fc.integer({ min: 0, max: 12 }),
        lasts: fc.integer({ min: 1, max: 8 }),
        isUnknown: fc.boolean(),
        hint: fc.nat(5),
      })
      .map(({ input: of, seen, won, called, lasts, isUnknown, hint }): Entry => {
        if (isUnknown && of.kind !== "read") {
          return { input: of, output: undefined, called, returned: END, hint };
        }
        const output = of.kind === "read" ? seen : of.kind === "cas" ? won : undefined;
        return { input: of, output, called, returned: called + lasts + 0.5, hint };
      });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (history) => {
        const verdict = checkLinearizable(REGISTER, history) === "linearizable";
        expect(verdict).toBe(anyOrderFits(history, null));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The definition itself: some operation that nobody preceded comes first, and the rest fits after it. */
function anyOrderFits(left: readonly Entry[], state: string | null): boolean {
  if (left.every(({ returned }) => returned === END)) return true;
  const earliest = Math.min(...left.map(({ returned }) => returned));
  return left.some((entry, i) => {
    if (entry.called > earliest) return false;
    const after = REGISTER.step(state, entry.input, entry.output);
    return after !== undefined && anyOrderFits(left.toSpliced(i, 1), after.state);
  });
}

let stamps = 0;

function heardOk(value: unknown, revision = 1): Heard {
  stamps += 1;
  return { kind: "ok", stamp: stamps, value, revision, replayed: false, node: "n1" };
}

function heardError(outcome: "not_applied" | "unknown"): Heard {
  stamps += 1;
  return {
    kind: "error",
    stamp: stamps,
    code: "state.unavailable",
    outcome,
    owner: undefined,
    node: "n1",
  };
}

/** An operation that begins now, and its answers, made in the order of the list. */
function op(id: string, action: string, ...heard: readonly (() => Heard)[]): Op {
  stamps += 1;
  const attempts: Attempt[] = [];
  const made: Op = {
    id,
    actor: { system: "sim", type: "counter", key: "a" },
    action,
    argument: action === "get" ? null : id,
    requestId: `id-${id}`,
    isAbuse: false,
    callStamp: stamps,
    attempts,
  };
  for (const next of heard) attempts.push({ node: "n1", heard: [next()] });
  return made;
}

const messages = (violations: readonly { readonly message: string }[]): readonly string[] =>
  violations.map(({ message }) => message);

describe("the counter checker", () => {
  test("accepts what was acknowledged, unknown and refused where it belongs", () => {
    const ops = [
      op("a", "add", () => heardOk(1)),
      op("b", "add", () => heardError("unknown")),
      op("c", "add", () => heardError("not_applied")),
      op("r", "get", () => heardOk({ ops: ["a", "b"] })),
      op(
        "d",
        "add",
        () => heardError("unknown"),
        () => heardOk(3),
      ),
      op("e", "add", () => heardError("unknown")),
    ];
    expect(checkCounter(ops, { ops: ["a", "b", "d"] })).toEqual([]);
  });

  test.each([
    ["lost", [op("a", "add", () => heardOk(1))], [], "a was acknowledged and is lost"],
    ["twice", [op("a", "add", () => heardOk(1))], ["a", "a"], "a took effect twice"],
    ["from nowhere", [], ["z"], "z was never sent here"],
    [
      "refused",
      [op("a", "add", () => heardError("not_applied"))],
      ["a"],
      "a was refused and took effect",
    ],
    ["misplaced", [op("a", "add", () => heardOk(2))], ["a"], "a was answered 2 and lies at 1"],
    [
      "out of order",
      [op("a", "add", () => heardOk(2)), op("b", "add", () => heardOk(1))],
      ["b", "a"],
      "b began after a had ended, and lies before it",
    ],
    [
      "read stale",
      [op("a", "add", () => heardOk(1)), op("r", "get", () => heardOk(undefined))],
      ["a"],
      "r began after a had ended, and lies before it",
    ],
    [
      "read of nothing",
      [op("r", "get", () => heardOk({ ops: ["x"] }))],
      [],
      "r read what is not there",
    ],
  ] as const)("finds what is %s", (_, ops, final, message) => {
    expect(messages(checkCounter([...ops], { ops: [...final] }))).toContain(message);
  });
});

describe("the reply checker", () => {
  test("finds two answers to one attempt, unequal answers to equal calls, and abuse answered", () => {
    const twice = op("a", "add", () => heardOk(1));
    twice.attempts[0]?.heard.push(heardOk(1));
    const unequal = op(
      "b",
      "add",
      () => heardOk(1, 4),
      () => heardOk(1, 5),
    );
    const abused: Op = { ...op("c", "add", () => heardOk(1)), isAbuse: true };
    expect(messages(checkReplies([twice, unequal, abused]))).toEqual([
      "a was answered 2 times by n1",
      "b was answered in two ways",
      "c was answered under the request id of id-c",
    ]);
    expect(
      checkReplies([
        op(
          "d",
          "add",
          () => heardOk(1),
          () => heardOk(1),
        ),
      ]),
    ).toEqual([]);
  });
});

describe("the register checker", () => {
  test("takes refused operations for what never happened", () => {
    const refused = op("w", "write", () => heardError("not_applied"));
    const seen = op("r", "read", () => heardOk("w"));
    expect(checkRegister("x", [refused, seen])).toHaveLength(1);
    const unknown = op("w", "write", () => heardError("unknown"));
    expect(checkRegister("x", [unknown, op("r", "read", () => heardOk("w"))])).toEqual([]);
  });
});
