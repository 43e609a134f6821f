import type { Command } from "commander";
import type { StringMap } from "../../domain/invocation.ts";
import type { Payload } from "../../gen/troupe/v1/invocation_pb.ts";
import { CommandError, usageError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { compactJson } from "../cli/json-text.ts";
import { pairsText } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { actorText, parseActor, type ActorName } from "./actor-path.ts";
import {
  type Connection,
  type ConnectionOptions,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";
import { pastState } from "./past-state.ts";
import { addStateDelete } from "./state-delete.ts";
import { addStateDiff } from "./state-diff.ts";
import { addStateHistory } from "./state-history.ts";
import { addStateRestore } from "./state-restore.ts";
import { jsonOf, payloadMember, writePayload } from "./payload-text.ts";

interface StateOptions extends ConnectionOptions {
  readonly revision?: number;
  readonly watch?: boolean;
}

/** A committed state as each of the three ways of asking has it. */
interface Shown {
  readonly state?: Payload | undefined;
  readonly revision: bigint;
  readonly tags: StringMap;
}

const EXAMPLES = `
Examples:
  troupe state counter/bar                 the committed state, its revision and its tags
  troupe state counter/bar --watch         every state from now on, one line each
  troupe state order/42 --revision 7       an earlier state
  troupe state history order/42            the revisions that are kept, newest first

The state goes to standard output, revision and tags to standard error; --json has all in one object
per line. Revisions are kept where the actor type asks for a history.
`;

/** Adds `troupe state` and the commands below it. */
export function addState(program: Command, terminal: Terminal): void {
  const command = program
    .command("state <actor>")
    .description("show the committed state of an actor, past ones, or each as it comes")
    .addHelpText("after", EXAMPLES)
    .option("--revision <n>", "the state of this revision", wholeNumber)
    .option("--watch", "print each committed state until interrupted");
  withConnection(command).action((actor: string, options: StateOptions) =>
    state(terminal, parseActor(actor), options),
  );
  addStateHistory(command, terminal);
  addStateDiff(command, terminal);
  addStateRestore(command, terminal);
  addStateDelete(command, terminal);
}

function state(terminal: Terminal, actor: ActorName, options: StateOptions): Promise<void> {
  const { revision, watch } = options;
  if (revision !== undefined && watch !== undefined) {
    throw usageError("--revision and --watch exclude each other");
  }
  const connection = openConnection(options, terminal);
  const shown = { connection, terminal, actor, json: options.json === true };
  if (watch === true) return watchStates(shown);
  return revision === undefined ? current(shown) : past(shown, revision);
}

interface Request {
  readonly connection: Connection;
  readonly terminal: Terminal;
  readonly actor: ActorName;
  readonly json: boolean;
}

async function current(request: Request): Promise<void> {
  const { client, call, attempt } = request.connection;
  show(request, await attempt(() => client.getState({ actor: request.actor }, call)));
}

async function past(request: Request, revision: number): Promise<void> {
  show(request, await pastState(request.connection, request.actor, revision));
}

function show({ terminal, actor, json }: Request, shown: Shown): void {
  const { out, err } = terminal;
  if (json) return out.write(`${stateLine(shown)}\n`);
  writePayload(shown.state, out);
  const tags = pairsText(shown.tags);
  const facts = `revision ${shown.revision}${tags === "" ? "" : `, tags ${tags}`}`;
  const none = shown.state === undefined ? `${actorText(actor)} has no state, ` : "";
  err.write(`${err.paint.dim(none + facts)}\n`);
}

function stateLine({ state: payload, revision, tags }: Shown): string {
  const rest = { has_state: payload !== undefined, revision: Number(revision), tags };
  return `{${payloadMember("state", payload)},${JSON.stringify(rest).slice(1)}`;
}

async function watchStates(request: Request): Promise<void> {
  const { connection, terminal, actor, json } = request;
  const { client, stream, attempt } = connection;
  const { out } = terminal;
  const ended = await attempt(async () => {
    for await (const shown of client.watch({ actor }, stream)) {
      if (out.closed) return false;
      const text = shown.state === undefined ? undefined : jsonOf(shown.state);
      const line = text === undefined ? payloadMember("state", shown.state) : compactJson(text);
      out.write(json ? `${stateLine(shown)}\n` : `${shown.revision}  ${line}\n`);
    }
    return true;
  });
  if (!ended) return;
  throw new CommandError("the node ended the watch", EXIT.unavailable, "it may be stopping");
}
