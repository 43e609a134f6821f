import { isTest, resolveReference, type SourceFile, type Violation } from "./source-file.ts";

const ENTRIES: readonly RegExp[] = [
  /^src\/main\/(?:main|new-plugin|commands\/config-docs)\.ts$/,
  /^src\/sdk\/(?:actor|host|client|plugin)\.ts$/,
  /\.d\.ts$/,
  /\.test\.ts$/,
  /^test\/run\.ts$/,
  /^test\/services\/services\.ts$/,
  /^test\/.*\/run\.ts$/,
  /^(?:examples|bench)\//,
  /^test\/e2e\/(?:fixtures|clients)\//,
  /^build\.ts$/,
];

/** Files that nothing needs: no entry, and imported by nobody but their own tests. */
export function findDeadFiles(files: readonly SourceFile[]): Violation[] {
  const needed = new Set<string>();
  for (const file of files) {
    for (const { specifier } of file.references) {
      const target = resolveReference(file.path, specifier);
      // A test keeps test code alive, never product code.
      if (target !== undefined && (!isTest(file.path) || isTest(target))) needed.add(target);
    }
  }
  return files
    .filter(({ path }) => !needed.has(path) && !ENTRIES.some((entry) => entry.test(path)))
    .map(({ path }) => ({
      path,
      line: 1,
      message: "nothing imports this file; use it or delete it",
    }));
}

/** Every plug-in folder begins with plugin.ts, and a test in it calls the suite of its family. */
export function checkPluginFolders(files: readonly SourceFile[]): Violation[] {
  const folders = new Map<string, SourceFile[]>();
  for (const file of files) {
    const folder = /^(plugins\/[^/]+\/[^/]+)\/./.exec(file.path)?.[1];
    // `kit` is what the plug-ins of a family share; it is no plug-in.
    if (folder !== undefined && !folder.endsWith("/kit"))
      folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders].flatMap(([folder, members]) => {
    const missing: string[] = [];
    if (!members.some(({ path }) => path === `${folder}/plugin.ts`)) {
      missing.push("a plug-in folder begins with plugin.ts");
    }
    const tests = members.filter(({ path }) => path.endsWith(".test.ts"));
    const callsSuite = tests.some(
      ({ code, references }) =>
        /\b\w+Suite\(/.test(code) &&
        references.some(({ specifier }) => /\/test\/conformance\/.*\.suite\.ts$/.test(specifier)),
    );
    if (!callsSuite)
      missing.push("a test of the folder calls its family's suite of test/conformance");
    return missing.map((message) => ({ path: folder, line: 1, message }));
  });
}
