import { isServerError } from "../../domain/error.ts";
import { BootError, exitCodeOf } from "../../kernel/plugin-failure.ts";
import type { Fatal } from "../../platform/logging/fatal-line.ts";
import { ActorModuleError } from "../../platform/in-process/start-in-process.ts";
import { EXIT } from "../cli/exit-code.ts";

const IN_USE = "another process listens there; any free ports: --port 0 --admin-addr 127.0.0.1:0";
const NO_DIRECTORY = "there can be no directory of this name, choose another by --data-dir";

const ERRNO: Readonly<Record<string, readonly [reason: string, exit: number, hint: string]>> = {
  EADDRINUSE: ["address_in_use", EXIT.unavailable, IN_USE],
  EADDRNOTAVAIL: ["address_unavailable", EXIT.unavailable, "this machine has no such address"],
  ENOTFOUND: ["resolve_failed", EXIT.unavailable, "the host name does not resolve"],
  EAI_AGAIN: ["resolve_failed", EXIT.unavailable, "the host name does not resolve now"],
  EACCES: ["permission", EXIT.permission, "this user may not do that, choose another port or path"],
  EEXIST: ["no_directory", EXIT.cannotCreate, NO_DIRECTORY],
  ENOENT: ["no_directory", EXIT.cannotCreate, NO_DIRECTORY],
  ENOTDIR: ["no_directory", EXIT.cannotCreate, NO_DIRECTORY],
  EROFS: ["read_only", EXIT.io, "the file system is read-only"],
  ENOSPC: ["disk_full", EXIT.io, "there is no space left"],
};

/** Why the server could not start, as its last line says it. */
export function startFailure(error: unknown): Fatal {
  if (error instanceof BootError) return pluginFailure(error);
  if (error instanceof ActorModuleError) {
    return fatal("actors", EXIT.config, "actors", "actor_module", error.problems.join("; "));
  }
  if (isServerError(error)) {
    const reason = error.details.reason ?? error.code;
    return fatal("start", exitCodeOf(error), "", reason, error.message);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = ERRNO[code];
  if (known !== undefined) {
    const [reason, exit, hint] = known;
    const subject = subjectOf(error as Subject);
    return fatal(subject.event, exit, subject.key, reason, hint);
  }
  const message = error instanceof Error ? error.message : String(error);
  return fatal("start", EXIT.bug, "", "bug", message);
}

function pluginFailure({ failures, exitCode, message }: BootError): Fatal {
  const { instance = "", reason = "init_failed" } = failures[0] ?? {};
  const advice = reason === "store_locked" ? ", or choose another place by --data-dir" : "";
  return fatal("plugin", exitCode, instance, reason, message + advice);
}

function fatal(event: string, exit: number, key: string, reason: string, hint: string): Fatal {
  return { event, exit, key, reason, hint };
}

/** What an error of the platform names: a path, or else an address. */
interface Subject {
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
}

function subjectOf({ address, port, path }: Subject): {
  readonly event: string;
  readonly key: string;
} {
  if (path !== undefined) return { event: "start", key: path };
  return { event: "listen", key: address === undefined ? "" : `${address}:${port ?? ""}` };
}
