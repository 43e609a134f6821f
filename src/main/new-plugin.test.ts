import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkLayers } from "../../test/architecture/layer-rules.ts";
import { resolveReference, sourceFile } from "../../test/architecture/source-file.ts";
import { checkPluginFolders } from "../../test/architecture/tree-rules.ts";
import { pluginFiles } from "./new-plugin.ts";

const ROOT = join(import.meta.dir, "..", "..");

describe("a new plug-in", () => {
  test.each(["acl", "balancers", "placement", "partition-tolerance", "statestores"])(
    "of %s satisfies the rules of plug-in folders and refers to files that exist",
    (family) => {
      const files = pluginFiles(family, "two-words");
      if (typeof files === "string") throw new Error(files);
      const sources = Object.entries(files).map(([path, text]) => sourceFile(path, text));
      expect(checkPluginFolders(sources)).toEqual([]);
      expect(sources.flatMap(checkLayers)).toEqual([]);
      const needed = sources.flatMap(({ path, references }) =>
        references.map(({ specifier }) => resolveReference(path, specifier) ?? specifier),
      );
      const missing = needed.filter((path) => !(path in files) && !existsSync(join(ROOT, path)));
      expect(missing).toEqual([]);
    },
  );

  test("names its files and classes after itself", () => {
    const files = pluginFiles("acl", "two-words");
    expect(Object.keys(files)).toEqual([
      "plugins/acl/two-words/plugin.ts",
      "plugins/acl/two-words/two-words-access-policy.ts",
      "plugins/acl/two-words/two-words.test.ts",
    ]);
    expect(JSON.stringify(files)).toContain("class TwoWordsAccessPolicy implements AccessPolicy");
  });

  test.each([
    ["queues", "fast", "there are: acl, activators"],
    ["toString", "fast", "there are: acl"],
    ["balancers", "Fast", "lower-case"],
    ["balancers", "../fast", "lower-case"],
  ])("is refused with a reason: %s %s", (family, name, reason) => {
    expect(pluginFiles(family, name)).toContain(reason);
  });
});
