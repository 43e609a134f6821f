import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describeImportFailure, type ImportFailure } from "./import-failure.ts";

/** A plug-in's file and what its SHA-256 must be, if it is pinned. */
interface PluginFile {
  readonly path: string;
  readonly sha256: string | undefined;
}

type Failure = {
  readonly kind: "failed";
  readonly reason:
    | ImportFailure["reason"]
    | "not_found"
    | "not_a_file"
    | "plugin_permissions"
    | "integrity_mismatch"
    | "no_default_export"
    | "import_timeout";
  readonly detail: string;
};

/** The default export of a module, or why there is none. */
type LoadedModule =
  | { readonly kind: "loaded"; readonly path: string; readonly exported: unknown }
  | Failure;

const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

function failure(reason: Failure["reason"], detail: string): Failure {
  return { kind: "failed", reason, detail };
}

/** Whoever may write the file, or put another in its place, decides what the server does. */
function permissionFailure(path: string): Failure | undefined {
  if (process.platform === "win32") return undefined;
  if (statSync(path).mode & WRITABLE_BY_OTHERS) {
    return failure("plugin_permissions", "may be written by everyone, run: chmod o-w");
  }
  const { mode } = statSync(dirname(path));
  if (mode & WRITABLE_BY_OTHERS && !(mode & STICKY)) {
    return failure("plugin_permissions", "lies in a directory that everyone may write");
  }
  return undefined;
}

function inspect(file: PluginFile): string | Failure {
  let path: string;
  try {
    path = realpathSync(resolve(file.path));
    if (!statSync(path).isFile()) return failure("not_a_file", "is not a regular file");
  } catch {
    return failure("not_found", "does not exist");
  }
  const permission = permissionFailure(path);
  if (permission !== undefined) return permission;
  if (file.sha256 !== undefined) {
    const found = createHash("sha256").update(readFileSync(path)).digest("hex");
    if (found !== file.sha256) {
      return failure("integrity_mismatch", `has the SHA-256 ${found}, not the one it is pinned to`);
    }
  }
  return path;
}

/** Imports the module in a thread of its own first, because only a thread can be ended. */
function probe(path: string, timeoutMs: number): Promise<Failure | undefined> {
  const worker = new Worker(new URL("./plugin-probe.worker.ts", import.meta.url).href);
  return new Promise((settle) => {
    const seconds = timeoutMs / 1000;
    const timer = setTimeout(() => {
      done(failure("import_timeout", `did not finish its import within ${seconds} s`));
    }, timeoutMs);
    const done = (found: Failure | undefined): void => {
      clearTimeout(timer);
      worker.terminate();
      settle(found);
    };
    worker.onmessage = (event: MessageEvent<Failure | { readonly kind: "imported" }>) => {
      done(event.data.kind === "failed" ? event.data : undefined);
    };
    worker.onerror = (event) =>
      done(failure("import_threw", `threw when it was imported: ${event.message}`));
    worker.addEventListener("close", (event) => {
      const code = "code" in event ? String(event.code) : "unknown";
      done(failure("import_threw", `ended its thread with code ${code} when it was imported`));
    });
    worker.postMessage(path);
  });
}

/**
 * Loads external plug-ins. `load` looks at permissions and the pin, imports the file in a thread of
 * its own and then in this one, and answers with its default export. It never rejects and never takes
 * longer than twice `timeoutMs`. The module is imported twice, so imports must have no effects.
 */
export function makePluginLoader(timeoutMs: number): {
  load(file: PluginFile): Promise<LoadedModule>;
} {
  return {
    async load(file) {
      const path = inspect(file);
      if (typeof path !== "string") return path;
      const failed = await probe(path, timeoutMs);
      if (failed !== undefined) return failed;
      try {
        const exports: Readonly<Record<string, unknown>> = await import(path);
        return "default" in exports
          ? { kind: "loaded", path, exported: exports["default"] }
          : failure("no_default_export", "has no default export");
      } catch (error) {
        const { reason, detail } = describeImportFailure(error);
        return failure(reason, detail);
      }
    },
  };
}
