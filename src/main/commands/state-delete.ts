import type { Command } from "commander";
import type { Terminal } from "../cli/terminal.ts";
import { type ActorName, actorText, parseActor } from "./actor-path.ts";
import { type ConnectionOptions, openConnection, withConnection } from "./connection.ts";

interface DeleteOptions extends ConnectionOptions {
  readonly shred?: boolean;
  readonly requestId?: string;
}

const EXAMPLES = `
Examples:
  troupe state delete order/42               the state; past ones stay, and can be restored
  troupe state delete user/7 --shred         all there is of it, for good

Shredding drops the actor's seed, without which nothing of it opens: state, past states, recorded
replies, messages that wait and schedules. There is no way back but from a backup of the statestore.
`;

/** Adds `troupe state delete`. */
export function addStateDelete(state: Command, terminal: Terminal): void {
  const command = state
    .command("delete <actor>")
    .description("remove the state of an actor, or all that was ever kept of it")
    .addHelpText("after", EXAMPLES)
    .option("--shred", "make everything of the actor unreadable, for good")
    .option("--request-id <id>", "makes a repeat harmless");
  // Options that both commands have are taken by the outer one, wherever they stand.
  withConnection(command).action((actor: string) =>
    remove(terminal, parseActor(actor), command.optsWithGlobals<DeleteOptions>()),
  );
}

async function remove(terminal: Terminal, actor: ActorName, options: DeleteOptions): Promise<void> {
  const { client, call, attempt } = openConnection(options, terminal);
  const { shred = false, requestId = "", json = false } = options;
  const { revision } = await attempt(() => client.delete({ actor, shred, requestId }, call));
  const { out } = terminal;
  if (json) return out.write(`${JSON.stringify({ revision: Number(revision), shred })}\n`);
  const what = shred ? "shredded" : "deleted";
  out.write(`${what} ${actorText(actor)}, revision ${revision}\n`);
}
