import process from "node:process";
import type { Command } from "commander";
import type { Terminal } from "../cli/terminal.ts";
import { greeting } from "./greeting.ts";
import { acceptedSettings, type Flags } from "./load-settings.ts";
import { runMembers } from "./run-members.ts";
import { runServer } from "./run-server.ts";
import { settingsHelp } from "./settings-help.ts";

const EXAMPLES = `
Examples:
  troupe serve                                     troupe.yaml of this directory, if there is one
  troupe serve --config /etc/troupe/troupe.yaml --log-format json
  troupe serve --port 8080 --actors ./cart.ts,./order.ts
  troupe serve --workers 4 --port 8080              four members behind one port

SIGTERM ends it gracefully: /readyz turns 503, calls are served for --shutdown-delay, then running
turns finish within --shutdown-timeout; exit 0, or 75 if they were cut short. A second signal ends it
at once.
`;

/** Adds `troupe serve`. */
export function addServe(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("serve")
    .description("run a node by its configuration, until SIGTERM")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .option("--json", "one line of JSON per event")
    .action(async ({ json = false }: { json?: boolean }) =>
      exit(await serve(terminal, flags, json)),
    );
}

async function serve(terminal: Terminal, flags: Flags, json: boolean): Promise<number> {
  const environment = { ...process.env };
  const accepted = await acceptedSettings(flags, terminal, json);
  if (typeof accepted === "number") return accepted;
  const { settings } = accepted;
  if (settings.workers > 1) {
    const own = { command: ["serve"], count: settings.workers, onePort: true, chaos: false };
    return runMembers(terminal, { settings, flags, environment, json, ...own });
  }
  const { out } = terminal;
  return runServer({
    ...accepted,
    ready: (server) => {
      if (json) out.write(`${JSON.stringify({ event: "ready", url: server.url })}\n`);
      else if (out.interactive) out.write(greeting(server, settings, out.paint));
      else out.write(`troupe is ready at ${server.url}\n`);
      return () => undefined;
    },
  });
}
