import { describe, expect, test } from "bun:test";
import { EMPTY_MAP } from "../domain/invocation.ts";
import { settle } from "../../test/conformance/support/virtual-clock.ts";
import type { StateView } from "./node-api.ts";
import { StateWatch } from "./state-watch.ts";

function at(revision: number): StateView {
  return { state: undefined, revision, tags: EMPTY_MAP };
}

describe("a watch", () => {
  test("begins with the state at the begin, and misses nothing that came meanwhile", () => {
    const seen: number[] = [];
    const watch = new StateWatch(
      ({ revision }) => void seen.push(revision),
      () => undefined,
    );
    watch.offer(at(3));
    watch.offer(at(5));
    expect(seen).toEqual([]);
    watch.begin(at(4));
    watch.offer(at(6));
    watch.offer(at(2));
    expect(seen).toEqual([4, 5, 6]);
  });

  test("coalesces what a slow watcher is too slow for into the newest", async () => {
    const seen: number[] = [];
    const rooms: (() => void)[] = [];
    const watch = new StateWatch(
      ({ revision }) => {
        seen.push(revision);
        return new Promise<void>((resolve) => rooms.push(resolve));
      },
      () => undefined,
    );
    watch.begin(at(1));
    for (const revision of [2, 3, 4]) watch.offer(at(revision));
    expect(seen).toEqual([1]);
    rooms.shift()?.();
    await settle();
    expect(seen).toEqual([1, 4]);
    rooms.shift()?.();
    await settle();
    watch.offer(at(5));
    expect(seen).toEqual([1, 4, 5]);
  });

  test("ends once, and says nothing afterwards", async () => {
    const ends: (string | undefined)[] = [];
    const seen: number[] = [];
    const watch = new StateWatch(
      ({ revision }) => {
        seen.push(revision);
        return Promise.reject(new Error("gone"));
      },
      (error) => ends.push(error?.message),
    );
    watch.begin(at(1));
    await settle();
    watch.end();
    watch.offer(at(2));
    expect(seen).toEqual([1]);
    expect(ends).toEqual(["gone"]);
  });
});
