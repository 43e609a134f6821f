import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { ServerError } from "../../domain/error.ts";

/** What a node keeps in its data directory beside the store. */
export interface NodeFiles {
  readonly dataDir: string;
  /** Stable id of the node: host name with a suffix made once. */
  readonly nodeName: string;
}

/** Makes the data directory if need be, private to its owner, and the node's name in it. */
export function openDataDir(dataDir: string, configuredName: string | undefined): NodeFiles {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const nodeName = configuredName ?? keepOnce(join(dataDir, "node-name"), makeName);
  return { dataDir, nodeName };
}

const EXIT_PERMISSION = 77;
const OTHERS = 0o077;

/**
 * A key for development, made once: `dev:<base64>`. Only for loopback and embedded stores. Throws
 * `ServerError` if others than its owner may read it.
 */
export function developmentKeys(dataDir: string): string {
  const path = join(dataDir, "development.key");
  const key = keepOnce(path, () => `dev:${randomBytes(32).toString("base64")}`);
  if (process.platform !== "win32" && (statSync(path).mode & OTHERS) !== 0) {
    const message = "development.key in the data directory may be read by others than its owner";
    const details = { reason: "permissions", exitCode: EXIT_PERMISSION };
    throw new ServerError("request.invalid", message, "not_started", details);
  }
  return key;
}

function makeName(): string {
  const host = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 48);
  return `${host === "" ? "node" : host}-${randomBytes(3).toString("hex")}`;
}

/**
 * The text of a file, made at the first start. It appears whole and for good before anything relies
 * on it, and where two processes make one at once, both read the same.
 */
function keepOnce(path: string, make: () => string): string {
  if (!existsSync(path)) {
    const own = `${path}.${randomBytes(6).toString("hex")}`;
    try {
      writeFileSync(own, `${make()}\n`, { flag: "wx", mode: 0o600, flush: true });
      linkSync(own, path);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    } finally {
      rmSync(own, { force: true });
    }
    syncDirectory(dirname(path));
  }
  return readFileSync(path, "utf8").trim();
}

/** Makes the names in a directory durable, where the platform has such a thing. */
export function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
