import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { ActorInfo } from "../../gen/troupe/v1/actor_pb.ts";
import { pairsText, printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import {
  type ConnectionOptions,
  namedValue,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";

interface ActorsOptions extends ConnectionOptions {
  readonly system?: string;
  readonly tag?: Readonly<Record<string, string>>;
  readonly prefix?: string;
  readonly limit: number;
}

const PAGE = 500;
const LIMIT = 1_000;
const EXAMPLES = `
Examples:
  troupe actors                              every actor of the default system
  troupe actors order --tag status=open      actors of a type by their tags; all must match
  troupe actors --system shop --prefix 2026-
  troupe actors --limit 0 --json             all there are, one JSON object per line
`;

/** Adds `troupe actors`. */
export function addActors(program: Command, terminal: Terminal): void {
  const command = program
    .command("actors [type]")
    .description("list actors, by type, tags or the beginning of their key")
    .addHelpText("after", EXAMPLES)
    .option("--system <name>", "another system than the default one")
    .option("--tag <name=value>", "only actors with this tag; may be repeated", namedValue)
    .option("--prefix <text>", "only keys that begin so")
    .option("--limit <n>", "actors to list, 0 for all", wholeNumber, LIMIT);
  withConnection(command).action((type: string | undefined, options: ActorsOptions) =>
    actors(terminal, type ?? "", options),
  );
}

async function actors(terminal: Terminal, type: string, options: ActorsOptions): Promise<void> {
  const { system = "", prefix = "", tag = {}, limit, json } = options;
  const { out, err } = terminal;
  const { client, call, attempt } = openConnection(options, terminal);
  const table = new Table(["SYSTEM", "TYPE", "KEY", "REVISION", "UPDATED", "TAGS"]);
  const query = { system, type, keyPrefix: prefix, tags: { ...tag } };
  let shown = 0;
  let pageToken = "";
  do {
    const pageSize = limit === 0 ? PAGE : Math.min(PAGE, limit - shown);
    const page = await attempt(() => client.list({ ...query, pageSize, pageToken }, call));
    const found = page.actors;
    const lines = json === true ? found.map(actorLine) : table.lines(found.map(actorRow));
    if (found.length > 0) out.write(lines.map((line) => `${line}\n`).join(""));
    shown += found.length;
    pageToken = page.nextPageToken;
    // Where the list goes elsewhere, say that something happens.
    if (pageToken !== "" && err.interactive && !out.interactive) err.write(`\r${shown} actors …`);
  } while (pageToken !== "" && (limit === 0 || shown < limit) && !out.closed);
  if (err.interactive && !out.interactive && shown > PAGE) err.write(`\r${shown} actors    \n`);
  if (shown === 0 && json !== true) err.write("no actor matches\n");
  if (pageToken !== "" && json !== true) {
    err.write(`these are the first ${shown}; --limit 0 lists all\n`);
  }
}

function actorRow({ actor, revision, updated, tags }: ActorInfo): string[] {
  const { system = "", type = "", key = "" } = actor ?? {};
  const when = updated === undefined ? "" : timestampDate(updated).toISOString();
  return [system, type, printable(key), String(revision), when, pairsText(tags)];
}

function actorLine({ actor, revision, epoch, hasState, updated, tags }: ActorInfo): string {
  const { system = "", type = "", key = "" } = actor ?? {};
  return JSON.stringify({
    system,
    type,
    key,
    revision: Number(revision),
    epoch: Number(epoch),
    has_state: hasState,
    updated: updated === undefined ? null : timestampDate(updated).toISOString(),
    tags,
  });
}
