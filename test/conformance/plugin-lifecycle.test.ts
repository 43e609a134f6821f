import { expect, test } from "bun:test";
import type { AnyPlugin, ContractId, HostOf, Plugin } from "../../src/contract/index.ts";
import { FAMILIES } from "../../src/kernel/families.ts";
import { optionsOf } from "../../src/kernel/catalogue.ts";
import { builtins } from "../../src/main/builtins.ts";
import { pluginLifecycleSuite } from "./plugin-lifecycle.suite.ts";
import { activatorHost } from "./support/activator-host.ts";
import { discoveryHost } from "./support/discovery-host.ts";
import { partitionToleranceHost } from "./support/partition-tolerance-host.ts";
import { recordingHost } from "./support/recording-host.ts";
import { statestoreHost } from "./support/statestore-host.ts";

/** Options that have no default, by plug-in. */
const GIVEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  cron: { schedule: "0 3 * * *", actor: "clock/main", action: "tick" },
  http: { path: "orders", secret: "s".repeat(32), actor: "order/1", action: "placed" },
  dns: { name: "troupe.example.org" },
  "dynamic-quorum": { percent: 60 },
  guided: { map: { "default/order/*": "node-a" } },
  kubernetes: { service: "troupe" },
  mssql: { url: "mssql://sa:secret@127.0.0.1:1/troupe" },
  mysql: { url: "mysql://troupe@127.0.0.1:1/troupe" },
  "policy-files": { path: "policies" },
  postgres: { url: "postgres://troupe@127.0.0.1:1/troupe" },
  "static-quorum": { size: 2 },
  token: { file: "tokens" },
};

function hostFor(contract: ContractId, dataDir: string): HostOf<ContractId> {
  if (contract === "statestore@1") return statestoreHost(dataDir);
  if (contract === "discovery@1") return discoveryHost({ dataDir });
  if (contract === "partition-tolerance@1") return partitionToleranceHost({ dataDir });
  return contract === "activator@1" ? activatorHost({ dataDir }) : recordingHost({ dataDir });
}

function configOf(plugin: AnyPlugin): Record<string, unknown> {
  const defaults = optionsOf(plugin).map(([name, descriptor]) => [name, descriptor.default]);
  return { ...Object.fromEntries(defaults), ...GIVEN[plugin.name] };
}

for (const builtin of builtins) {
  // The catalogue has forgotten what the plug-in's own file knows of its options.
  const plugin = builtin as unknown as Plugin<ContractId, Record<string, unknown>>;
  pluginLifecycleSuite({
    plugin,
    config: configOf(builtin),
    host: ({ dataDir }) => hostFor(builtin.contract, dataDir),
  });
}

test("every family has a built-in, and every default names one", () => {
  for (const { contract, byDefault } of FAMILIES) {
    const names = builtins.filter((each) => each.contract === contract).map((each) => each.name);
    expect(names).not.toEqual([]);
    if (byDefault !== undefined) expect(names).toContain(byDefault);
  }
});
