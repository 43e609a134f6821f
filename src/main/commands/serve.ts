import process from "node:process";
import { acceptedSettings } from "./load-settings.ts";
import { runServer } from "./run-server.ts";

/** `troupe serve`: one node by its configuration, until SIGTERM. */
export async function serve(flags: Readonly<Record<string, string>>, json: boolean): Promise<void> {
  const accepted = await acceptedSettings(flags, json);
  if (accepted === undefined) return;
  process.exitCode = await runServer({
    ...accepted,
    ready: (server) => {
      if (!json) process.stdout.write(`troupe is ready at ${server.url}\n`);
      return () => undefined;
    },
  });
}
