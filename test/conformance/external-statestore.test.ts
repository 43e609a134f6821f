import { afterAll } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "../../src/contract/index.ts";
import { externalPluginFiles } from "../../src/main/new-plugin/plugin-templates.ts";
import { makePluginLoader } from "../../src/platform/plugin-loader.ts";
import { tempDir } from "../support/temp-dir.ts";
import { statestoreModelSuite } from "./statestore-model.suite.ts";
import { statestoreSuite } from "./statestore.suite.ts";
import type { StatestoreSubject } from "./support/statestore-fixture.ts";
import { statestoreHost } from "./support/statestore-host.ts";

/*
 * A statestore that is one file outside of the repository, loaded as the server loads it, does all
 * that its family's suites ask. `test/e2e/plugins.test.ts` serves calls from such a file in the
 * compiled binary.
 */
const folder = tempDir();
afterAll(() => folder[Symbol.dispose]());

const files = externalPluginFiles("statestores", "outside");
if (typeof files === "string") throw new Error(files);
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
const path = join(folder.path, "outside.ts");
const loaded = await makePluginLoader(10_000).load({ path, sha256: undefined });
if (loaded.kind !== "loaded") throw new Error(`${loaded.reason}: ${loaded.detail}`);
const plugin = loaded.exported as Plugin<"statestore@1", Record<string, never>>;

const subject: StatestoreSubject = {
  name: "a statestore outside of the repository",
  open: async (dir) => plugin.create({}, statestoreHost(dir)),
  durable: false,
  shared: false,
};

statestoreSuite(subject);
statestoreModelSuite(subject);
