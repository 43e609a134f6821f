import { type FSWatcher, readdirSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../node/ports.ts";

/** An editor writes a file in several steps; all that happens within this time is one change. */
const SETTLE_MS = 80;
/** Folders below a module that are watched, at most. */
const FOLDER_LIMIT = 256;
const SOURCE = /\.(?:[cm]?[jt]s|json)$/;

/**
 * Calls `changed` after a source file in the folder of a module, or in one below it, was written,
 * made or removed: once per burst, with the name of the last one. Folders that begin with a dot and
 * `node_modules` are not looked at. Modules that cannot be watched are simply not. The returned
 * function ends it.
 */
export function watchModules(
  modules: readonly string[],
  clock: Clock,
  changed: (file: string) => void,
): () => void {
  const watchers = new Map<string, FSWatcher>();
  let source: string | undefined;
  let stopTimer: (() => void) | undefined;
  let closed = false;

  const follow = (): void => {
    const folders = foldersBelow(modules.map((module) => dirname(module)));
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of folders) if (!watchers.has(folder)) open(folder);
  };
  const open = (folder: string): void => {
    try {
      const watcher = watch(folder, (_event, name) => touched(folder, name ?? ""));
      watcher.on("error", () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
    } catch {
      // Gone meanwhile, or the system has no watch left: the others still work.
    }
  };
  const touched = (folder: string, name: string): void => {
    if (SOURCE.test(name)) source = join(folder, name);
    stopTimer ??= clock.setTimer(SETTLE_MS, settle);
  };
  const settle = (): void => {
    stopTimer = undefined;
    if (closed) return;
    // A folder may be new; what lies in it came with it.
    follow();
    const file = source;
    source = undefined;
    if (file !== undefined) changed(file);
  };

  follow();
  return () => {
    closed = true;
    stopTimer?.();
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}

function foldersBelow(roots: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...roots];
  for (const folder of waiting) {
    if (found.has(folder) || found.size >= FOLDER_LIMIT) continue;
    found.add(folder);
    for (const name of subfolders(folder)) waiting.push(join(folder, name));
  }
  return found;
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .filter((name) => name !== "node_modules" && !name.startsWith("."));
  } catch {
    return [];
  }
}
