import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import type { CallTrace } from "../domain/invocation.ts";

const A = counter("a");

/** A trace that notes its phases: `+` begins, `-` ends. */
function noting(): { readonly trace: CallTrace; readonly phases: string[] } {
  const phases: string[] = [];
  const trace: CallTrace = {
    traceparent: "",
    tracestate: "",
    begin: (phase) => void phases.push(`+${phase}`),
    end: (phase) => void phases.push(`-${phase}`),
  };
  return { trace, phases };
}

describe("the phases of a traced call", () => {
  test("follow one another, with the claim where the call made one", async () => {
    const one = await new OneNode().start();
    const first = noting();
    await one.call(A, "add", "x", { trace: first.trace });
    expect(first.phases.join(" ")).toBe(
      "-receive +queue +claim -claim -queue +host -host +commit -commit +reply",
    );
    const second = noting();
    await one.call(A, "add", "y", { trace: second.trace });
    expect(second.phases).not.toContain("+claim");
  });

  test("end when the call is refused before its turn", async () => {
    const one = await new OneNode().start();
    one.store.claim = () => Promise.reject(new Error("away"));
    const { trace, phases } = noting();
    expect(await refusalOf(one.call(A, "add", "x", { trace }))).toContain("state.unavailable");
    expect(phases.at(-1)).toBe("+reply");
  });
});
