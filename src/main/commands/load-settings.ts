import process from "node:process";
import type { Catalogue } from "../../kernel/catalogue.ts";
import { exitCode, type ConfigProblem } from "../../kernel/config-problem.ts";
import { formatProblems, problemsLine, secretVariables } from "../../kernel/config-report.ts";
import { configure, type Configured } from "../../kernel/configure.ts";
import type { AcceptedSettings } from "../../kernel/read-settings.ts";
import { systemClock } from "../../platform/clock.ts";
import { configFiles } from "../../platform/config-files.ts";
import { makePluginLoader } from "../../platform/plugin-loader.ts";
import { builtins } from "../builtins.ts";
import type { Terminal } from "../cli/terminal.ts";
import { CONFIG_CHECKS } from "../server/config-checks.ts";
import { CLIENT_VARIABLES } from "./connection.ts";

const IMPORT_TIMEOUT_MS = 10_000;

/** Flags of the command line by their names, without dashes. */
export type Flags = Readonly<Record<string, string>>;

/** Settings that may be served, with the plug-ins that serve them. */
export type Accepted = AcceptedSettings & { readonly catalogue: Catalogue };

/** The configuration of this process, from file, environment and flags, with external plug-ins. */
export function readConfiguration(flags: Flags): Promise<Configured> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !CLIENT_VARIABLES.includes(name)),
  );
  const inputs = { environment, flags, files: configFiles, wallMs: systemClock.wallMs() };
  const loader = makePluginLoader(IMPORT_TIMEOUT_MS);
  return configure(inputs, { builtins, loader, checks: CONFIG_CHECKS });
}

/**
 * Settings that may be served; their secrets are no longer in the environment, where other code and
 * child processes would find them. Else says everything that is wrong, and is the exit code.
 */
export async function acceptedSettings(
  flags: Flags,
  terminal: Terminal,
  json: boolean,
): Promise<Accepted | number> {
  const configured = await readConfiguration(flags);
  if (!configured.ok) return sayProblems(configured.problems, terminal, json);
  for (const name of secretVariables(configured.effective)) delete process.env[name];
  return configured;
}

/** All problems as text on a terminal, else as one line of JSON; answers their exit code. */
export function sayProblems(
  problems: readonly ConfigProblem[],
  { err }: Terminal,
  json: boolean,
): number {
  const colour = err.paint.red("x") !== "x";
  const text = err.interactive && !json;
  err.write(text ? formatProblems(problems, colour) : problemsLine(problems));
  return exitCode(problems);
}
