import process from "node:process";
import type { Catalogue } from "../../kernel/catalogue.ts";
import { exitCode } from "../../kernel/config-problem.ts";
import { formatProblems, problemsLine } from "../../kernel/config-report.ts";
import { configure, type Configured } from "../../kernel/configure.ts";
import type { AcceptedSettings } from "../../kernel/read-settings.ts";
import { systemClock } from "../../platform/clock.ts";
import { configFiles } from "../../platform/config-files.ts";
import { makePluginLoader } from "../../platform/plugin-loader.ts";
import { builtins } from "../builtins.ts";

const IMPORT_TIMEOUT_MS = 10_000;

/** The configuration of this process, from file, environment and flags, with external plug-ins. */
export function readConfiguration(flags: Readonly<Record<string, string>>): Promise<Configured> {
  const inputs = {
    environment: process.env,
    flags,
    files: configFiles,
    wallMs: systemClock.wallMs(),
  };
  return configure(inputs, { builtins, loader: makePluginLoader(IMPORT_TIMEOUT_MS) });
}

/** Settings that may be served, or `undefined` after saying everything that is wrong with them. */
export async function acceptedSettings(
  flags: Readonly<Record<string, string>>,
  json: boolean,
): Promise<(AcceptedSettings & { readonly catalogue: Catalogue }) | undefined> {
  const configured = await readConfiguration(flags);
  if (configured.ok) return configured;
  const { problems } = configured;
  const terminal = process.stderr.isTTY === true && !json;
  process.stderr.write(terminal ? formatProblems(problems, true) : problemsLine(problems));
  process.exitCode = exitCode(problems);
  return undefined;
}
