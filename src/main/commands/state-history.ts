import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import type { RevisionInfo } from "../../gen/troupe/v1/actor_pb.ts";
import { usageError } from "../cli/command-error.ts";
import { pairsText, printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type ActorName, actorText, parseActor } from "./actor-path.ts";
import {
  type ConnectionOptions,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";
import { listPages } from "./list-pages.ts";

/** An end of an interval. */
type Bound =
  | { readonly kind: "revision"; readonly revision: bigint }
  | { readonly kind: "time"; readonly ms: number };

interface HistoryOptions extends ConnectionOptions {
  readonly from?: Bound;
  readonly to?: Bound;
  readonly limit: number;
}

const PAGE = 100;
const EXAMPLES = `
Examples:
  troupe state history order/42                        the revisions that are kept, newest first
  troupe state history order/42 --from 7 --to 20       revisions of an interval, both ends with it
  troupe state history order/42 --from 2026-05-01T08:00:00Z --to 2026-05-01T09:00:00Z
  troupe state history order/42 --from 2026-05-01 --limit 0 --json

A time without a zone is the local one, a date its beginning in UTC. Revisions are kept where the
actor type asks for a history.
`;

/** Adds `troupe state history`. */
export function addStateHistory(state: Command, terminal: Terminal): void {
  const command = state
    .command("history <actor>")
    .description("list the past states of an actor that are kept")
    .addHelpText("after", EXAMPLES)
    .option("--from <revision or time>", "the oldest to list", bound)
    .option("--to <revision or time>", "the newest to list", bound)
    .option("--limit <n>", "revisions to list, 0 for all", wholeNumber, PAGE);
  withConnection(command).action((actor: string) =>
    history(terminal, parseActor(actor), command.optsWithGlobals<HistoryOptions>()),
  );
}

function bound(text: string): Bound {
  if (/^\d{1,15}$/.test(text)) return { kind: "revision", revision: BigInt(text) };
  const ms = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isSafeInteger(ms)) return { kind: "time", ms };
  throw new InvalidArgumentError("write a revision, or a time such as 2026-05-01T08:00:00Z");
}

/** The interval as the call has it. */
function rangeOf({ from, to }: HistoryOptions) {
  return {
    ...(from?.kind === "revision" && { fromRevision: from.revision }),
    ...(to?.kind === "revision" && { toRevision: to.revision }),
    ...(from?.kind === "time" && { from: timestampFromMs(from.ms) }),
    ...(to?.kind === "time" && { to: timestampFromMs(to.ms) }),
  };
}

async function history(
  terminal: Terminal,
  actor: ActorName,
  options: HistoryOptions,
): Promise<void> {
  const { limit, json = false, to } = options;
  if (to?.kind === "revision" && to.revision === 0n) throw usageError("there is no revision 0");
  const { out, err } = terminal;
  const { client, call, attempt } = openConnection(options, terminal);
  const range = { actor, ...rangeOf(options) };
  const table = new Table(["REVISION", "COMMITTED", "ACTION", "BYTES", "TAGS"]);
  const pages = listPages({
    limit,
    pageSize: PAGE,
    ask: async (page) => {
      const found = await attempt(() => client.history({ ...range, ...page }, call));
      return { rows: found.revisions, nextPageToken: found.nextPageToken };
    },
  });
  let shown = 0;
  let cut = false;
  for await (const { rows, more } of pages) {
    const lines = json ? rows.map(revisionLine) : table.lines(rows.map(revisionRow));
    shown += rows.length;
    cut = more;
    out.write(lines.map((line) => `${line}\n`).join(""));
    if (out.closed) return;
  }
  if (json) return;
  if (shown === 0) err.write(`no such revision of ${actorText(actor)} is kept\n`);
  if (cut) err.write(`these are the newest ${shown}; --limit 0 lists all\n`);
}

function committedText({ committed }: RevisionInfo): string {
  return committed === undefined ? "" : timestampDate(committed).toISOString();
}

function revisionRow(row: RevisionInfo): string[] {
  const { revision, action, size, tags } = row;
  return [String(revision), committedText(row), printable(action), String(size), pairsText(tags)];
}

function revisionLine(row: RevisionInfo): string {
  const { revision, action, size, tags } = row;
  const committed = committedText(row);
  return JSON.stringify({ revision: Number(revision), committed, action, size, tags });
}
