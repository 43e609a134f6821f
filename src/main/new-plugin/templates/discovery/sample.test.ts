import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  discoverySuite,
  type SeedSource,
} from "../../../../../test/conformance/discovery.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { discoveryHost } from "../../../../../test/conformance/support/discovery-host.ts";
import { tempDir } from "../../../../../test/support/temp-dir.ts";
import plugin from "./plugin.ts";

const folder = tempDir();
const path = join(folder.path, "seeds");

/** The addresses, in a file. */
function fileSource(): SeedSource {
  return {
    hold: (seeds) =>
      writeFileSync(path, seeds.map(({ host, port }) => `${host}:${port}\n`).join("")),
    stop: () => folder[Symbol.dispose](),
  };
}

discoverySuite({
  name: plugin.name,
  source: fileSource,
  create: (host) => plugin.create({ path }, host),
  near: true,
  timeoutMs: 0,
});
pluginLifecycleSuite({ plugin, config: { path }, host: discoveryHost });

test("a file that is not there is an error and no empty answer", async () => {
  const discovery = plugin.create({ path: `${path}-absent` }, discoveryHost());
  rmSync(`${path}-absent`, { force: true });
  await expect(discovery.find(new AbortController().signal)).rejects.toMatchObject({
    code: "routing.unreachable",
  });
});
