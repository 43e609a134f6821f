import { expect, test } from "bun:test";
import { activatorSuite } from "../../../../../test/conformance/activator.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { activatorHost } from "../../../../../test/conformance/support/activator-host.ts";
import plugin from "./plugin.ts";

const config = { actor: "clock/main", action: "tick", interval: 1000 };

activatorSuite({
  name: plugin.name,
  create: (host) => plugin.create(config, host),
  trigger: (host) => host.clock.advance(1000),
});
pluginLifecycleSuite({ plugin, config, host: activatorHost });

test("of two nodes one makes the call, with the same request id for the same tick", async () => {
  const claims = new Set<string>();
  const hosts = [activatorHost({ claims }), activatorHost({ claims })];
  for (const host of hosts) {
    const activator = plugin.create(config, host);
    await activator.start?.();
    await host.clock.advance(1000);
    await activator.stop?.(new AbortController().signal);
  }
  const [call, ...more] = hosts.flatMap((host) => host.calls);
  expect(more).toEqual([]);
  expect(call?.call.requestId).toBe("under-test-1767225601000");
});
