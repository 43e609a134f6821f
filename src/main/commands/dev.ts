import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import type { Settings } from "../../kernel/settings.ts";
import type { Logger } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { watchModules } from "../../platform/in-process/watch.ts";
import { usageError } from "../cli/command-error.ts";
import { printable } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { Server } from "../server/server.ts";
import { actorLine, greeting, tryLine } from "./greeting.ts";
import { acceptedSettings, type Flags } from "./load-settings.ts";
import { runMembers } from "./run-members.ts";
import { runServer } from "./run-server.ts";
import { settingsHelp } from "./settings-help.ts";

const EXAMPLES = `
Examples:
  troupe dev counter.ts                      serve a module, load it anew when it changes
  troupe dev src/*.ts --port 8080 --data-dir /tmp/try
  troupe dev counter.ts --nodes 3            three members of one cluster
  troupe dev                                 no modules: attach hosts of any language

State stays in the data directory (.troupe) between runs and over reloads. A module that is broken is
said so, and the version before it goes on.
`;

/** Adds `troupe dev`. */
export function addDev(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("dev [files...]")
    .description("run actor modules on the embedded store; reload them when they change")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .option("--json", "one line of JSON per event")
    .option("--nodes <count>", "so many members of one cluster, each a process; ports 10 apart")
    .option("--chaos", "with --nodes: kill and pause members at random")
    .action(async (files: string[], options: DevOptions) =>
      exit(await dev(terminal, files, flags, options)),
    );
}

interface DevOptions {
  readonly json?: boolean;
  readonly nodes?: string;
  readonly chaos?: boolean;
}

const MOST_NODES = 32;

function nodeCount({ nodes = "1", chaos = false }: DevOptions): number {
  const count = Number(nodes);
  if (!Number.isInteger(count) || count < 1 || count > MOST_NODES) {
    throw usageError(`--nodes is a number from 1 to ${MOST_NODES}`);
  }
  if (chaos && count === 1) throw usageError("--chaos needs --nodes of 2 or more");
  return count;
}

async function dev(
  terminal: Terminal,
  files: readonly string[],
  flags: Flags,
  options: DevOptions,
): Promise<number> {
  const { json = false, chaos = false } = options;
  const count = nodeCount(options);
  const environment = { ...process.env };
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw usageError(`${printable(missing)} does not exist`);
  const accepted = await acceptedSettings(flags, terminal, json);
  if (typeof accepted === "number") return accepted;
  if (count > 1) {
    const command = ["dev", ...files];
    const own = { settings: accepted.settings, count, onePort: false, chaos, json };
    return runMembers(terminal, { flags, environment, command, ...own });
  }
  const given = accepted.effective.some(
    ({ key, source }) => key === "shutdown_delay" && source.kind !== "default",
  );
  const settings: Settings = {
    ...accepted.settings,
    actors: [...accepted.settings.actors, ...files.map((file) => resolve(file))],
    // Nobody balances load onto a laptop: Ctrl-C ends at once.
    shutdownDelayMs: given ? accepted.settings.shutdownDelayMs : 0,
  };
  const { out } = terminal;
  return runServer({
    ...accepted,
    settings,
    ready: (server, log) => {
      const types = server.inProcess?.types ?? [];
      if (json) out.write(`${JSON.stringify({ event: "ready", url: server.url })}\n`);
      else out.write(greeting(server, settings, out.paint) + tryLine(server.url, types));
      const say = json
        ? jsonLines(terminal)
        : out.interactive
          ? textLines(terminal)
          : logLines(log);
      return watchModules(settings.actors, systemClock, (file) => void reload(server, file, say));
    },
  });
}

/** Tells of a reload: what is served now, or why the version before goes on. */
type Say = (file: string, server: Server, problem: string | undefined) => void;

async function reload(server: Server, file: string, say: Say): Promise<void> {
  try {
    await server.inProcess?.reload();
    say(file, server, undefined);
  } catch (error) {
    // The version before keeps running; the next change tries again.
    say(file, server, error instanceof Error ? error.message : String(error));
  }
}

function textLines({ out }: Terminal): Say {
  return (file, server, problem) => {
    const name = printable(basename(file));
    const types = server.inProcess?.types ?? [];
    if (problem === undefined) {
      const { bold } = out.paint;
      out.write(`  ${bold("reloaded")} ${name}\n`);
      for (const type of types) out.write(`  actor   ${actorLine(type)}\n`);
    } else {
      const lines = problem.split("\n").map((line) => `    ${printable(line)}\n`);
      const head = `  ${out.paint.red("not reloaded")} ${name}, the version before goes on\n`;
      out.write(head + lines.join(""));
    }
  };
}

function jsonLines({ out }: Terminal): Say {
  return (file, server, problem) => {
    const types = server.inProcess?.types.map(({ type }) => type) ?? [];
    const line =
      problem === undefined
        ? { event: "reloaded", file, types }
        : { event: "not_reloaded", file, problem };
    out.write(`${JSON.stringify(line)}\n`);
  };
}

function logLines(log: Logger): Say {
  return (file, _server, problem) => {
    if (problem === undefined) log.info("actors.reloaded", { file });
    else log.error("actors.not_reloaded", { file, problem });
  };
}
