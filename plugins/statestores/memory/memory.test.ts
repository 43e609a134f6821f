import { expect, test } from "bun:test";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import type { StatestoreSubject } from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import memory from "./plugin.ts";

const subject: StatestoreSubject = {
  name: "memory",
  open: async (dir) => memory.create({}, statestoreHost(dir)),
  durable: false,
  shared: false,
};

statestoreSuite(subject);
statestoreModelSuite(subject, 200);

test("a lease ends by the monotonic clock alone, whatever the wall clock does", async () => {
  let now = 0;
  let wall = 1_000_000;
  const clock = { now: () => now, wallMs: () => wall, setTimer: () => () => undefined };
  const store = memory.create({}, statestoreHost("", { clock }));
  const request = { nodeName: "a", bootId: "b", address: "", ttlMs: 1_000 };
  const { id } = await store.sessions.open(request);
  wall += 3_600_000;
  expect(await store.sessions.fence(id, false)).toBe(false);
  now = 1_001;
  wall -= 7_200_000;
  expect(await store.sessions.fence(id, false)).toBe(true);
});
