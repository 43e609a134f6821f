import { expect, test } from "bun:test";
import { aclSuite } from "../../../../../test/conformance/acl.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { recordingHost } from "../../../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

const config = { callers: ["alice"] };

aclSuite({ name: plugin.name, create: () => plugin.create(config) });
pluginLifecycleSuite({ plugin, config, host: recordingHost });

test("a caller that is not listed is denied", () => {
  const ask = (id: string) =>
    plugin.create(config).decide({
      kind: "admin",
      caller: { kind: "client", id, roles: [] },
      operation: "drain",
    });
  expect(ask("alice").allowed).toBe(true);
  expect(ask("mallory").allowed).toBe(false);
});
