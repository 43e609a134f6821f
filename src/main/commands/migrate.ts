import type { Command } from "commander";
import type { SchemaStatus, SchemaStep } from "../../contract/index.ts";
import { EXIT } from "../cli/exit-code.ts";
import { printable } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { LoneStatestore } from "../server/lone-statestore.ts";
import { type Accepted, acceptedSettings, type Flags } from "./load-settings.ts";
import { settingsHelp } from "./settings-help.ts";
import { attempt } from "./store-problem.ts";

interface MigrateOptions {
  readonly dryRun?: boolean;
  readonly store?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  troupe migrate --dry-run                   the pending steps with their statements; writes nothing
  troupe migrate                             take them, under the lock of the database

A start takes pending steps itself unless the statestore's option migrate is "check"; then it refuses
with exit code 78, and this command is the way. Steps go forward only: make a backup first.
`;

/** Adds `troupe migrate`. */
export function addMigrate(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("migrate")
    .description("bring the statestore's schema up to date, or show what is pending")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .option("--dry-run", "show the pending steps with their statements, and take none")
    .option("--store <name>", "one of further statestores, instead of the main one")
    .option("--json", "JSON for programs")
    .action(async (options: MigrateOptions) => {
      const accepted = await acceptedSettings(flags, terminal, options.json === true);
      exit(typeof accepted === "number" ? accepted : await migrate(terminal, accepted, options));
    });
}

function migrate(
  { out, err }: Terminal,
  accepted: Accepted,
  { dryRun = false, json = false, store: name }: MigrateOptions,
): Promise<number> {
  return attempt(async () => {
    const { store, plugin } = new LoneStatestore({ ...accepted, name, err, asItIs: false });
    const { migrations } = store;
    if (migrations === undefined) {
      const line = { statestore: plugin, have: null, want: null, steps: [] };
      const text = `the statestore ${plugin} has no schema to migrate\n`;
      out.write(json ? `${JSON.stringify(line)}\n` : text);
      return EXIT.ok;
    }
    // A database may take hours for a step; who runs the command ends it if that is too long.
    const { signal } = new AbortController();
    const status = await migrations.plan(signal);
    if (!json) out.write(statusText(plugin, status, dryRun));
    const told = (step: SchemaStep): void => {
      if (!json) out.write(`took ${stepText(step)}\n`);
    };
    const taken = dryRun || status.pending.length === 0 ? [] : await migrations.apply(signal, told);
    if (json) {
      const { have, want } = status;
      const steps = dryRun ? status.pending : taken.map(({ version, name }) => ({ version, name }));
      out.write(`${JSON.stringify({ statestore: plugin, have, want, dry_run: dryRun, steps })}\n`);
    } else if (!dryRun && status.pending.length > 0) {
      out.write(`the schema is at ${status.want}\n`);
    }
    return EXIT.ok;
  });
}

function statusText(
  plugin: string,
  { have, want, pending }: SchemaStatus,
  dryRun: boolean,
): string {
  if (pending.length === 0)
    return `${plugin}: the schema is at ${have} of ${want}, nothing to do\n`;
  const head = `${plugin}: the schema is at ${have}, wanted is ${want}\n`;
  const steps = pending.map((step) => {
    const statements = dryRun ? step.statements.map((sql) => `${indented(sql)};\n`) : [];
    return `pending ${stepText(step)}\n${statements.join("")}`;
  });
  return head + steps.join("");
}

function stepText({ version, name }: SchemaStep): string {
  return `${version}: ${printable(name)}`;
}

function indented(sql: string): string {
  return sql
    .split("\n")
    .map((line) => `    ${printable(line)}`)
    .join("\n");
}
