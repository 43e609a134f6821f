import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

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

/** A key for development, made once: `dev:<base64>`. Only for loopback and embedded stores. */
export function developmentKeys(dataDir: string): string {
  return keepOnce(
    join(dataDir, "development.key"),
    () => `dev:${randomBytes(32).toString("base64")}`,
  );
}

function makeName(): string {
  const host = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 48);
  return `${host === "" ? "node" : host}-${randomBytes(3).toString("hex")}`;
}

/** The text of a file, made and written at the first start; `wx` lets one of two processes win. */
function keepOnce(path: string, make: () => string): string {
  try {
    writeFileSync(path, `${make()}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readFileSync(path, "utf8").trim();
}
