import { expect, test } from "bun:test";
import { EMPTY_MAP } from "../../domain/invocation.ts";
import { Batch } from "./staged.ts";

const ACTOR = { system: "default", type: "t", key: "k" };
const STATE = { type: "application/json", data: new Uint8Array(1) };

test("a commit says whether a turn has touched the tags since the last one", () => {
  const tags = { colour: "red" };
  const batch = new Batch({ state: undefined, tags, revision: 4 });
  const same = (): boolean => batch.commit(ACTOR, 0, 1, { kind: "none" }).sameTags;
  batch.advance({ state: STATE, tags, revision: 5 });
  expect(same()).toBe(true);
  // Equal is not enough to be sure without looking, so it counts as touched.
  batch.advance({ state: STATE, tags: { ...tags }, revision: 6 });
  expect(same()).toBe(false);
  batch.advance({ state: STATE, tags: EMPTY_MAP, revision: 7 });
  expect(same()).toBe(false);
});
