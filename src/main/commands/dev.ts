import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import type { ActorTypeSpec } from "../../domain/actor.ts";
import type { Settings } from "../../kernel/settings.ts";
import type { Logger } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { watchModules } from "../../platform/in-process/watch.ts";
import type { Server } from "../server/server.ts";
import { acceptedSettings } from "./load-settings.ts";
import { runServer } from "./run-server.ts";

const EXIT_USAGE = 64;

/**
 * `troupe dev [files]`: serves the actors of some modules on the embedded store and loads them anew
 * when a file changes; state stays.
 */
export async function dev(
  files: readonly string[],
  flags: Readonly<Record<string, string>>,
  json: boolean,
): Promise<void> {
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    process.stderr.write(`troupe dev: ${missing} does not exist\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const accepted = await acceptedSettings(flags, json);
  if (accepted === undefined) return;
  const given = accepted.effective.some(
    ({ key, source }) => key === "shutdown_delay" && source.kind !== "default",
  );
  const settings: Settings = {
    ...accepted.settings,
    actors: [...accepted.settings.actors, ...files.map((file) => resolve(file))],
    // Nobody balances load onto a laptop: Ctrl-C ends at once.
    shutdownDelayMs: given ? accepted.settings.shutdownDelayMs : 0,
  };
  process.exitCode = await runServer({
    ...accepted,
    settings,
    ready: (server, log) => {
      if (json) process.stdout.write(`${JSON.stringify({ event: "ready", url: server.url })}\n`);
      else process.stdout.write(greeting(server, settings));
      return watchModules(settings.actors, systemClock, (file) => void reload(server, log, file));
    },
  });
}

async function reload(server: Server, log: Logger, file: string): Promise<void> {
  try {
    await server.inProcess?.reload();
    log.info("actors.reloaded", { file });
  } catch (error) {
    // The version before keeps running; the next change tries again.
    log.error("actors.not_reloaded", {
      file,
      problem: error instanceof Error ? error.message : String(error),
    });
  }
}

function greeting(server: Server, settings: Settings): string {
  const bold = process.stdout.isTTY === true ? "\u001b[1m" : "";
  const plain = bold === "" ? "" : "\u001b[0m";
  const types = server.inProcess?.types ?? [];
  const lines = [
    "",
    `  ${bold}Troupe${plain} is ready at ${bold}${server.url}${plain}`,
    `  store   ${server.storeText} in ${settings.dataDir}`,
    `  admin   http://${settings.adminAddr.host}:${server.adminPort} (metrics, health)`,
    ...types.map((type) => `  actor   ${type.type}: ${actionNames(type)}`),
    "",
    ...curlLines(server.url, types),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function actionNames(type: ActorTypeSpec): string {
  return type.actions.map(({ name }) => name).join(", ");
}

function curlLines(url: string, types: readonly ActorTypeSpec[]): string[] {
  const [type] = types;
  if (type === undefined) {
    return ["  attach a host, or name a module: troupe dev actors.ts"];
  }
  const action = type.actions.find(({ readOnly }) => !readOnly)?.name ?? "get";
  const path = `/v1/${type.type}/bar/${action}`;
  return [`  curl -X POST ${url}${path} -H 'content-type: application/json' -d 1`];
}
