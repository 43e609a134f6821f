import { expect, test } from "bun:test";
import { bytesText, countText, durationText, Progress } from "./progress.ts";
import { makePaint, type Output } from "./terminal.ts";

function recorded(interactive: boolean): Output & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    interactive,
    paint: makePaint(false, {}),
    closed: false,
    write: (content) => void lines.push(String(content).replace("\r\u001b[K", "")),
    flushed: () => Promise.resolve(),
  };
}

function clockAt(): { nowMs: number } & Parameters<typeof makeProgress>[1] {
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    wallMs: () => 0,
    setTimer: () => () => undefined,
    defer: () => undefined,
  };
  return clock;
}

function makeProgress(
  out: Output,
  clock: ConstructorParameters<typeof Progress>[2],
  wanted = true,
): Progress {
  return new Progress(out, "moving", clock, wanted);
}

test("a line tells rows, bytes, rate and the time that is left", () => {
  const out = recorded(true);
  const clock = clockAt();
  const progress = makeProgress(out, clock);
  progress.show({ rows: 0, totalRows: 40_000, bytes: 0 });
  clock.nowMs = 2_000;
  progress.show({ rows: 10_000, totalRows: 40_000, bytes: 3 * 1024 * 1024 });
  expect(out.lines).toEqual([
    "moving [--------------------] 0% 0 rows, 0 B",
    "moving [#####---------------] 25% 10,000 rows, 3.0 MiB, 5,000 rows/s, 6.0 s left",
  ]);
  progress.end();
  expect(out.lines.at(-1)).toBe("");
});

test("it is drawn ten times a second at most, and what was there before is not counted as speed", () => {
  const out = recorded(true);
  const clock = clockAt();
  const progress = makeProgress(out, clock);
  for (let ms = 0; ms < 1_000; ms += 10) {
    clock.nowMs = ms;
    progress.show({ rows: 1_000 + ms, totalRows: undefined, bytes: 0 });
  }
  expect(out.lines).toHaveLength(10);
  expect(out.lines.at(-1)).toBe("moving 1,900 rows, 0 B, 1,000 rows/s");
});

test("more rows than were expected are not more than all", () => {
  const out = recorded(true);
  makeProgress(out, clockAt()).show({ rows: 20, totalRows: 10, bytes: 0 });
  expect(out.lines).toEqual(["moving [####################] 100% 20 rows, 0 B"]);
});

test.each([
  [false, true],
  [true, false],
])("nothing is drawn where people watch: %p, and it is wanted: %p", (interactive, wanted) => {
  const out = recorded(interactive);
  const progress = makeProgress(out, clockAt(), wanted);
  progress.show({ rows: 1, totalRows: 2, bytes: 3 });
  progress.end();
  expect(out.lines).toEqual([]);
});

test("counts, sizes and times as people write them", () => {
  expect([0, 999, 1_000, 1_234_567].map(countText)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([0, 1023, 1536, 5 * 1024 ** 3].map(bytesText)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "5.0 GiB",
  ]);
  expect([1, 4_200, 200_000, 7_500_000].map(durationText)).toEqual([
    "1 ms",
    "4.2 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});
