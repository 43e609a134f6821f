import type { Command } from "commander";
import { configSchema } from "../../kernel/config-schema.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type Flags, readConfiguration } from "./load-settings.ts";

const EXAMPLES = `
Example:
  troupe config-schema > troupe.schema.json
  # then, as the first line of troupe.yaml:
  # yaml-language-server: $schema=troupe.schema.json
`;

/** Adds `troupe config-schema`. */
export function addConfigSchema(program: Command, terminal: Terminal, flags: Flags): void {
  program
    .command("config-schema")
    .description("print the JSON Schema of configuration files, with loaded plug-ins")
    .addHelpText("after", EXAMPLES)
    .option("--json", "the same: it is JSON")
    .action(async () => {
      const { catalogue } = await readConfiguration(flags);
      terminal.out.write(`${JSON.stringify(configSchema(catalogue), undefined, 2)}\n`);
    });
}
