import { isServerError } from "../../domain/error.ts";
import { BootError, exitCodeOf } from "../../kernel/plugin-failure.ts";
import type { Fatal } from "../../platform/logging/fatal-line.ts";
import { ActorModuleError } from "../../platform/in-process/start-in-process.ts";
import { EXIT } from "../cli/exit-code.ts";

const IN_USE = "another process listens there; any free ports: --port 0 --admin-addr 127.0.0.1:0";

const ERRNO: Readonly<Record<string, readonly [reason: string, exit: number, hint: string]>> = {
  EADDRINUSE: ["address_in_use", EXIT.unavailable, IN_USE],
  EADDRNOTAVAIL: ["address_unavailable", EXIT.unavailable, "this machine has no such address"],
  ENOTFOUND: ["resolve_failed", EXIT.unavailable, "the host name does not resolve"],
  EAI_AGAIN: ["resolve_failed", EXIT.unavailable, "the host name does not resolve now"],
  EACCES: ["permission", EXIT.permission, "this user may not do that, choose another port or path"],
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
    return fatal("listen", exit, subject(error), reason, hint);
  }
  const message = error instanceof Error ? error.message : String(error);
  return fatal("start", EXIT.bug, "", "bug", message);
}

function pluginFailure({ failures, exitCode, message }: BootError): Fatal {
  const { instance = "", reason = "init_failed" } = failures[0] ?? {};
  const advice = reason === "store_locked" ? "; end it, or choose another place by --data-dir" : "";
  return fatal("plugin", exitCode, instance, reason, message + advice);
}

function fatal(event: string, exit: number, key: string, reason: string, hint: string): Fatal {
  return { event, exit, key, reason, hint };
}

/** The address or path that an error of the platform names. */
function subject(error: unknown): string {
  const found = error as {
    readonly address?: string;
    readonly port?: number;
    readonly path?: string;
  };
  if (found.path !== undefined) return found.path;
  return found.address === undefined ? "" : `${found.address}:${found.port ?? ""}`;
}
