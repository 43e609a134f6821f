import { expect, test } from "bun:test";
import { authenticatorSuite } from "../../../../../test/conformance/authenticator.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { recordingHost } from "../../../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

const token = "0123456789abcdef0123456789abcdef";
const config = { token, caller: "alice" };

authenticatorSuite({ name: plugin.name, create: () => plugin.create(config) });
pluginLifecycleSuite({ plugin, config, host: recordingHost });

test("a short token is refused when it is configured, not when it is guessed", () => {
  expect(() => plugin.create({ token: "short", caller: "alice" })).toThrow("shorter than 32");
});
