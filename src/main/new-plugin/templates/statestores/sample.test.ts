import { expect, test } from "bun:test";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { statestoreSuite } from "../../../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../../../test/conformance/statestore-model.suite.ts";
import type { StatestoreSubject } from "../../../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../../../test/conformance/support/statestore-host.ts";
import plugin from "./plugin.ts";

const subject: StatestoreSubject = {
  name: plugin.name,
  open: async (dir) => plugin.create({}, statestoreHost(dir)),
  durable: false,
  shared: false,
};

statestoreSuite(subject);
statestoreModelSuite(subject);
pluginLifecycleSuite({ plugin, config: {}, host: () => statestoreHost("") });

test("the engine names itself", async () => {
  expect(await plugin.create({}, statestoreHost("")).describe()).toContain("memory");
});
