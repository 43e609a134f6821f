import { expect, test } from "bun:test";
import memory from "../../plugins/statestores/memory/plugin.ts";
import { rejectionOf } from "../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import type { ActorCommit, Statestore } from "../contract/index.ts";
import { selfTestStatestore } from "./statestore-self-test.ts";

const honest = (): Statestore => memory.create({}, statestoreHost(""));

/** A store that looks at each commit with `blind` first, as one that forgot a condition would. */
function blinded(
  blind: (store: Statestore, commit: ActorCommit) => Promise<ActorCommit>,
  session: (store: Statestore, sessionId: number) => Promise<number> = async (_store, id) => id,
): Statestore {
  const store = honest();
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "commit") return typeof member === "function" ? member.bind(target) : member;
      return async ({ sessionId, commits }: Parameters<Statestore["commit"]>[0]) =>
        store.commit({
          sessionId: await session(store, sessionId),
          commits: await Promise.all(commits.map((commit) => blind(store, commit))),
        });
    },
  });
}

test("an honest store passes, again and again, also two tests at once", async () => {
  const store = honest();
  await selfTestStatestore(store);
  await selfTestStatestore(store);
  await Promise.all([selfTestStatestore(store, "a"), selfTestStatestore(store, "b")]);
  const left = (await store.sessions.list()).filter((row) => row.state === "up");
  expect(left).toEqual([]);
});

test.each([
  [
    "the epoch",
    blinded(async (store, commit) => {
      const [epoch = commit.epoch] = await store.epochs([commit.actor]);
      return { ...commit, epoch };
    }),
  ],
  [
    "the revision",
    blinded(async (store, commit) => {
      const baseRevision = (await store.read(commit.actor))?.revision ?? 0;
      return { ...commit, baseRevision, revision: baseRevision + 1 };
    }),
  ],
  [
    "the owner",
    blinded(
      async (_store, commit) => commit,
      async (store, sessionId) =>
        (await store.sessions.list()).findLast((row) => row.state === "up")?.id ?? sessionId,
    ),
  ],
])("a store that ignores %s is refused", async (_what, store) => {
  expect(await rejectionOf(selfTestStatestore(store))).toMatchObject({
    code: "state.corrupt",
    details: { reason: "fence_broken" },
  });
});
