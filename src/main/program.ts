import { Command } from "commander";
import { splitFlags } from "../kernel/config-inputs.ts";
import { dev } from "./commands/dev.ts";
import { serve } from "./commands/serve.ts";
import { build } from "./server/version.ts";

/** Flags of the command line itself; every other one names a setting. */
const OWN_FLAGS: ReadonlySet<string> = new Set(["help", "version", "json"]);

/** Parses the arguments and runs the command they name. Sets `process.exitCode`. */
export async function makeProgram(parameters: readonly string[]): Promise<void> {
  const { flags, rest } = splitFlags(parameters, OWN_FLAGS);
  const program = new Command("troupe")
    .description("Troupe: durable, distributed actors in any language")
    .version(`troupe ${build.version} (${build.commit})`);
  program
    .command("serve")
    .description("run a node by its configuration")
    .option("--json", "one line of JSON per event")
    .action((options: { json?: boolean }) => serve(flags, options.json === true));
  program
    .command("dev [files...]")
    .description("run actor modules on the embedded store; reload them when they change")
    .option("--json", "one line of JSON per event")
    .action((files: string[], options: { json?: boolean }) =>
      dev(files, flags, options.json === true),
    );
  await program.parseAsync([...rest], { from: "user" });
}
