import { Command, CommanderError } from "commander";
import { splitFlags } from "../kernel/config-inputs.ts";
import { didYouMean } from "../kernel/nearest.ts";
import { CommandError } from "./cli/command-error.ts";
import { EXIT } from "./cli/exit-code.ts";
import { printable } from "./cli/table.ts";
import type { Terminal } from "./cli/terminal.ts";
import { addActors } from "./commands/actors.ts";
import { addCheckConfig } from "./commands/check-config.ts";
import { addCluster } from "./commands/cluster.ts";
import { addConfigSchema } from "./commands/config-schema.ts";
import { addDev } from "./commands/dev.ts";
import { addExport } from "./commands/export.ts";
import { addImport } from "./commands/import.ts";
import { addInvoke } from "./commands/invoke.ts";
import { addKeys } from "./commands/keys.ts";
import type { Flags } from "./commands/load-settings.ts";
import { addMigrate } from "./commands/migrate.ts";
import { addPlugins } from "./commands/plugins.ts";
import { addServe } from "./commands/serve.ts";
import { settingFlags, settingsHelp } from "./commands/settings-help.ts";
import { addStore } from "./commands/store.ts";
import { addState } from "./commands/state.ts";
import { addVersion, VERSION_TEXT } from "./commands/version.ts";

/** Commands whose flags are settings, except for their own. */
const CONFIGURED: ReadonlySet<string> = new Set([
  "serve",
  "dev",
  "check-config",
  "plugins",
  "config-schema",
  "export",
  "import",
  "migrate",
  "store",
]);
const OWN_FLAGS: ReadonlySet<string> = new Set([
  "help",
  "version",
  "json",
  "verbose",
  "changed",
  "quiet",
  "to",
  "from",
  "live",
  "resume",
  "merge",
  "dry-run",
  "store",
  "no-keys",
  "nodes",
  "chaos",
]);

const EXAMPLES = `
Examples:
  troupe dev counter.ts                    serve a module and reload it when it changes
  troupe invoke counter/bar add 1          call an action
  troupe state counter/bar                 look at what is committed
  troupe serve --config troupe.yaml        run a node in production
  troupe help <command>                    more of each
`;
const EXITS = `
Exit codes: 0 done, 1 refused by the actor or not there, 64 usage, 65 damaged data, 69 not reachable,
70 bug, 73 cannot create, 74 I/O, 75 try again, 77 permission, 78 configuration.
`;

/**
 * Parses the arguments and runs the command they name. Resolves with the exit code of the process;
 * every failure is said before, in one line, without a stack.
 */
export async function runProgram(
  parameters: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const split = splitFlags(parameters, OWN_FLAGS);
  const configured = CONFIGURED.has(split.rest[0] ?? "");
  let code: number = EXIT.ok;
  const program = makeProgram(terminal, configured ? split.flags : {}, (given) => {
    code = given;
  });
  const rest = configured ? split.rest : parameters;
  try {
    await program.parseAsync([...rest], { from: "user" });
    return code;
  } catch (error) {
    return say(error, program, rest, terminal);
  }
}

function makeProgram(terminal: Terminal, flags: Flags, exit: (code: number) => void): Command {
  const program = new Command("troupe")
    .description("Durable, distributed actors in any language, in one binary")
    .version(VERSION_TEXT)
    .helpOption("-h, --help", "show help")
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      // Errors are said in one place, below.
      outputError: () => undefined,
      getOutHasColors: () => terminal.out.paint.bold("x") !== "x",
      getErrHasColors: () => terminal.err.paint.bold("x") !== "x",
    })
    .configureHelp({ styleTitle: (title) => terminal.out.paint.bold(title) })
    .addHelpText("after", () => EXAMPLES + settingsHelp() + EXITS);
  program.commandsGroup("Run a node:");
  addDev(program, terminal, flags, exit);
  addServe(program, terminal, flags, exit);
  program.commandsGroup("Call actors:");
  addInvoke(program, terminal);
  addState(program, terminal);
  addActors(program, terminal);
  program.commandsGroup("Look after the cluster:");
  addCluster(program, terminal);
  program.commandsGroup("Look after the statestore:");
  addExport(program, terminal, flags, exit);
  addImport(program, terminal, flags, exit);
  addMigrate(program, terminal, flags, exit);
  addStore(program, terminal, flags, exit);
  program.commandsGroup("Configure:");
  addCheckConfig(program, terminal, flags, exit);
  addConfigSchema(program, terminal, flags);
  addPlugins(program, terminal, flags, exit);
  addKeys(program, terminal);
  program.commandsGroup("Other:");
  addVersion(program, terminal);
  program.helpCommand("help [command]", "show help for a command");
  return program;
}

/** Says what went wrong, and answers the exit code. */
function say(
  error: unknown,
  program: Command,
  parameters: readonly string[],
  { err }: Terminal,
): number {
  const found = asCommandError(error, program, parameters);
  if (found === undefined) return error instanceof CommanderError && error.exitCode === 0 ? 0 : 64;
  const { message, hint, exit, fields } = found;
  if (parameters.includes("--json")) {
    err.write(`${JSON.stringify({ error: { message, hint, exit, ...fields } })}\n`);
    return exit;
  }
  const advice = hint === "" ? "" : `  ${printable(hint)}\n`;
  err.write(`${err.paint.red("troupe")}: ${printable(message)}\n${advice}`);
  return exit;
}

/** The error to be said; `undefined` if help or version was what was asked for, and is printed. */
function asCommandError(
  error: unknown,
  program: Command,
  parameters: readonly string[],
): CommandError | undefined {
  if (error instanceof CommandError) return error;
  if (error instanceof CommanderError) {
    const shown = ["commander.helpDisplayed", "commander.help", "commander.version"];
    return shown.includes(error.code) ? undefined : usageProblem(error, program, parameters);
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new CommandError(`bug: ${message}`, EXIT.bug);
}

function usageProblem(
  error: CommanderError,
  program: Command,
  parameters: readonly string[],
): CommandError {
  const message = error.message.replace(/^error: /, "");
  const command = namedCommand(program, parameters);
  const more = `see: troupe ${pathOf(command)}--help`;
  const named = /'([^']*)'/.exec(message)?.[1]?.replace(/[ =].*$/, "") ?? "";
  let meant = "";
  if (error.code === "commander.unknownCommand") {
    meant = didYouMean(
      named,
      command.commands.map((each) => each.name()),
    );
  } else if (error.code === "commander.unknownOption") {
    const own = command.options.map(({ long }) => long ?? "");
    meant = didYouMean(named, command === program ? [...own, ...settingFlags()] : own);
  }
  return new CommandError(message, EXIT.usage, meant === "" ? more : `${meant} ${more}`);
}

/** The innermost command that the arguments begin with; the program itself if they name none. */
function namedCommand(program: Command, parameters: readonly string[]): Command {
  let command = program;
  for (const name of parameters) {
    const next = command.commands.find((each) => each.name() === name);
    if (next === undefined) return command;
    command = next;
  }
  return command;
}

function pathOf(command: Command): string {
  return command.parent === null ? "" : `${pathOf(command.parent)}${command.name()} `;
}
