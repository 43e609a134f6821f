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
import { listPages } from "./list-pages.ts";

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
  const { system = "", prefix = "", tag = {}, limit, json = false } = options;
  const { out, err } = terminal;
  const { client, call, attempt } = openConnection(options, terminal);
  const table = new Table(["SYSTEM", "TYPE", "KEY", "REVISION", "UPDATED", "TAGS"]);
  const query = { system, type, keyPrefix: prefix, tags: { ...tag } };
  const pages = listPages({
    limit,
    pageSize: PAGE,
    ask: async (page) => {
      const found = await attempt(() => client.list({ ...query, ...page }, call));
      return { rows: found.actors, nextPageToken: found.nextPageToken };
    },
  });
  // Where the list itself goes elsewhere, say that something happens.
  const progress = err.interactive && !out.interactive;
  let shown = 0;
  let cut = false;
  for await (const { rows, more } of pages) {
    const lines = json ? rows.map(actorLine) : table.lines(rows.map(actorRow));
    out.write(lines.map((line) => `${line}\n`).join(""));
    shown += rows.length;
    cut = more;
    if (progress && shown >= PAGE) err.write(`\r${shown} actors${more ? " …" : "  \n"}`);
    if (out.closed) return;
  }
  if (json) return;
  if (shown === 0) err.write("no actor matches\n");
  if (cut) err.write(`these are the first ${shown}; --limit 0 lists all\n`);
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
