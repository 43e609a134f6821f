import { describe, expect, test } from "bun:test";
import { madeCall } from "../../../test/support/made-call.ts";
import { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../../domain/invocation.ts";
import { Answers } from "./answers.ts";
import { OutputGate } from "./output-gate.ts";
import { bookAnswer, makeReply } from "./turn-results.ts";

class Bench {
  readonly answers = new Answers(10);
  readonly gate: OutputGate;
  #made = 0;

  constructor(fenced: boolean) {
    this.gate = new OutputGate(this.answers, fenced);
    this.answers.begin();
  }

  /** A turn that took a revision. */
  change(): void {
    this.#made += 1;
    const batch = this.gate.open();
    const revision = batch.tip.revision + 1;
    const reply = makeReply(EMPTY_PAYLOAD, revision, EMPTY_MAP);
    bookAnswer(batch, { kind: "reply", call: madeCall(this.#made), reply }, true);
    batch.advance({ state: EMPTY_PAYLOAD, tags: EMPTY_MAP, revision });
    batch.turns += 1;
    this.gate.close();
  }

  read(requestId = ""): void {
    this.#made += 1;
    const reply = makeReply(EMPTY_PAYLOAD, this.gate.tip.revision, EMPTY_MAP);
    this.gate.pass({ kind: "reply", call: madeCall(this.#made, { requestId }), reply });
  }

  commit(): void {
    const batch = this.gate.settle();
    if (batch !== undefined) this.gate.release(batch);
  }

  /** What has come out since the last look. */
  out(): readonly string[] {
    const seen = this.answers.collected.map((effect) =>
      effect.kind === "reply" ? `reply ${effect.call.id} r${effect.reply.revision}` : effect.kind,
    );
    this.answers.begin();
    return seen;
  }
}

describe("the output gate", () => {
  test("holds every answer until what it saw is committed", () => {
    const bench = new Bench(true);
    bench.change();
    expect(bench.out()).toEqual(["stage"]);
    expect(bench.gate.take()?.tip.revision).toBe(1);
    bench.change();
    bench.read();
    expect(bench.gate.take()).toBeUndefined();
    expect(bench.out()).toEqual([]);
    bench.commit();
    expect(bench.out()).toEqual(["changed", "reply 1 r1", "stage"]);
    bench.gate.take();
    bench.commit();
    expect(bench.out()).toEqual(["changed", "reply 2 r2", "reply 3 r2"]);
    expect(bench.gate.quiet).toBe(true);
  });

  test("fences a read of the committed state unless the store is ours alone", () => {
    const shared = new Bench(true);
    shared.read();
    expect(shared.out()).toEqual(["fence"]);
    expect(shared.gate.quiet).toBe(false);
    expect(shared.gate.awaits(1)).toBe(true);
    shared.gate.fenceHeld();
    expect(shared.out()).toEqual(["reply 1 r0"]);
    const exclusive = new Bench(false);
    exclusive.read();
    expect(exclusive.out()).toEqual(["reply 1 r0"]);
  });

  test("records a read that has a request id, and then it waits like a change", () => {
    const bench = new Bench(true);
    bench.read("one");
    expect(bench.out()).toEqual(["stage"]);
    expect(bench.gate.take()?.replies.map(({ requestId }) => requestId)).toEqual(["one"]);
    bench.commit();
    expect(bench.out()).toEqual(["reply 1 r0"]);
  });

  test("hands back what ran ahead when it is aborted, reads under a fence included", () => {
    const bench = new Bench(true);
    bench.read();
    bench.change();
    bench.gate.take();
    bench.change();
    bench.out();
    bench.gate.settle();
    bench.gate.abort(new ServerError("state.conflict", "lost", "not_applied"));
    expect(bench.out()).toEqual(["reject", "reject"]);
    expect(bench.gate.quiet).toBe(true);
    expect(bench.gate.awaits(1)).toBe(false);
    expect(bench.gate.tip.revision).toBe(0);
  });

  test("is full once enough turns have run ahead", () => {
    const bench = new Bench(true);
    bench.change();
    bench.gate.take();
    bench.change();
    expect(bench.gate.isFull(2, 1_000_000)).toBe(false);
    expect(bench.gate.isFull(1, 1_000_000)).toBe(true);
    expect(bench.gate.isFull(2, 1)).toBe(true);
  });
});
