import { expect, test } from "bun:test";
import fc from "fast-check";
import { Deadlines } from "./deadlines.ts";

test("deadlines come in the order of their times, ties by their tokens, and none before its time", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 60 }), fc.nat(50), (times, nowMs) => {
      const deadlines = new Deadlines();
      times.forEach((atMs, token) => deadlines.add(atMs, token % 3, token));
      const due: { atMs: number; token: number }[] = [];
      for (let next = deadlines.take(nowMs); next; next = deadlines.take(nowMs)) due.push(next);
      const expected = times
        .map((atMs, token) => ({ atMs, subject: token % 3, token }))
        .filter(({ atMs }) => atMs <= nowMs)
        .sort((a, b) => a.atMs - b.atMs || a.token - b.token);
      expect(due).toEqual(expected);
      expect(deadlines.length).toBe(times.length - expected.length);
      expect(deadlines.nextMs).toBe(Math.min(...times.filter((atMs) => atMs > nowMs)));
    }),
  );
});
