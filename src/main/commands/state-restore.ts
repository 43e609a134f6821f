import type { Command } from "commander";
import type { Terminal } from "../cli/terminal.ts";
import { type ActorName, actorText, parseActor } from "./actor-path.ts";
import {
  type ConnectionOptions,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";

interface RestoreOptions extends ConnectionOptions {
  readonly requestId?: string;
}

const EXAMPLES = `
Examples:
  troupe state restore order/42 7            revision 7 once more, as the newest
  troupe state restore order/42 7 --request-id undo-1

Nothing is taken back: the state and tags of the old revision become a new one, in a turn of their
own, and the revisions in between stay.
`;

/** Adds `troupe state restore`. */
export function addStateRestore(state: Command, terminal: Terminal): void {
  const command = state
    .command("restore")
    .argument("<actor>")
    .argument("<revision>", "one that is kept", wholeNumber)
    .description("bring a past state of an actor back as a new revision")
    .addHelpText("after", EXAMPLES)
    .option("--request-id <id>", "makes a repeat harmless");
  withConnection(command).action((actor: string, revision: number) =>
    restore(terminal, parseActor(actor), revision, command.optsWithGlobals<RestoreOptions>()),
  );
}

async function restore(
  terminal: Terminal,
  actor: ActorName,
  from: number,
  options: RestoreOptions,
): Promise<void> {
  const { client, call, attempt } = openConnection(options, terminal);
  const { requestId = "", json = false } = options;
  const { revision } = await attempt(() =>
    client.restore({ actor, revision: BigInt(from), requestId }, call),
  );
  const { out } = terminal;
  if (json) out.write(`${JSON.stringify({ revision: Number(revision), restored: from })}\n`);
  else out.write(`revision ${revision} of ${actorText(actor)} is what revision ${from} was\n`);
}
