import type { Command } from "commander";
import type { StringMap } from "../../domain/invocation.ts";
import type { Payload } from "../../gen/troupe/v1/invocation_pb.ts";
import { compactJson } from "../cli/json-text.ts";
import { type JsonChange, jsonDiff } from "../cli/json-diff.ts";
import { lineDiff } from "../cli/line-diff.ts";
import { pairsText, printable } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type ActorName, actorText, parseActor } from "./actor-path.ts";
import {
  type Connection,
  type ConnectionOptions,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";
import { pastState } from "./past-state.ts";
import { jsonOf, payloadMember } from "./payload-text.ts";

/** A state that is compared. */
interface Compared {
  readonly state?: Payload | undefined;
  readonly revision: bigint;
  readonly tags: StringMap;
}

const EXAMPLES = `
Examples:
  troupe state diff order/42 7 9             what changed from revision 7 to 9
  troupe state diff order/42 7               from revision 7 to the state of now
  troupe state diff order/42 7 9 --json      changes with JSON Pointers (RFC 6901)

JSON is compared value by value, text line by line, and anything else as a whole.
`;
/** A value on a line of its own is cut behind this. */
const WIDEST_VALUE = 200;

/** Adds `troupe state diff`. */
export function addStateDiff(state: Command, terminal: Terminal): void {
  const command = state
    .command("diff")
    .argument("<actor>")
    .argument("<a>", "a revision that is kept", wholeNumber)
    .argument("[b]", "another; the state of now without it", wholeNumber)
    .description("show what differs between two states of an actor")
    .addHelpText("after", EXAMPLES);
  withConnection(command).action((actor: string, a: number, b: number | undefined) =>
    diff(terminal, parseActor(actor), [a, b], command.optsWithGlobals<ConnectionOptions>()),
  );
}

async function diff(
  terminal: Terminal,
  actor: ActorName,
  [a, b]: readonly [number, number | undefined],
  options: ConnectionOptions,
): Promise<void> {
  const connection = openConnection(options, terminal);
  const before = await pastState(connection, actor, a);
  const after =
    b === undefined ? await presentState(connection, actor) : await pastState(connection, actor, b);
  const { out, err } = terminal;
  if (options.json === true) return out.write(`${jsonText(before, after)}\n`);
  const lines = [...stateLines(before.state, after.state), ...tagLines(before.tags, after.tags)];
  const { dim } = err.paint;
  err.write(`${dim(`${actorText(actor)}, revision ${before.revision} to ${after.revision}`)}\n`);
  if (lines.length === 0) err.write("they are the same\n");
  else out.write(`${lines.join("\n")}\n`);
}

function presentState({ client, call, attempt }: Connection, actor: ActorName): Promise<Compared> {
  return attempt(() => client.getState({ actor }, call));
}

function stateLines(before: Payload | undefined, after: Payload | undefined): readonly string[] {
  const changes = jsonChanges(before, after);
  if (changes !== undefined) return changes.map(changeLine);
  const [old, now] = [textOf(before), textOf(after)];
  if (old === undefined || now === undefined) return wholeLines(before, after);
  return lineDiff(old, now)
    .filter(({ op }) => op !== "keep")
    .map(({ op, line }) => `${op === "add" ? "+" : "-"} ${printable(line)}`);
}

/** `undefined` unless both are JSON; a state that is not there is a change of the whole. */
function jsonChanges(
  before: Payload | undefined,
  after: Payload | undefined,
): readonly JsonChange[] | undefined {
  const [old, now] = [before && jsonOf(before), after && jsonOf(after)];
  if (before === undefined && now !== undefined) return [{ op: "add", path: "", after: now }];
  if (after === undefined && old !== undefined) return [{ op: "remove", path: "", before: old }];
  return old === undefined || now === undefined ? undefined : jsonDiff(old, now);
}

const MARKS = { add: "+", remove: "-", replace: "~" } as const;

function changeLine({ op, path, before, after }: JsonChange): string {
  const values = [before, after].filter((value) => value !== undefined).map(shortened);
  return `${MARKS[op]} ${printable(path === "" ? "(all)" : path)}  ${values.join(" → ")}`;
}

function shortened(json: string): string {
  const text = compactJson(json);
  return text.length > WIDEST_VALUE ? `${text.slice(0, WIDEST_VALUE)}…` : text;
}

/** The text of a state, "" for none; `undefined` if it is no text. */
function textOf(payload: Payload | undefined): string | undefined {
  if (payload === undefined) return "";
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload.data);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function wholeLines(before: Payload | undefined, after: Payload | undefined): readonly string[] {
  const same = before?.type === after?.type && Buffer.compare(dataOf(before), dataOf(after)) === 0;
  if (same) return [];
  const about = (payload: Payload | undefined): string =>
    payload === undefined ? "no state" : `${printable(payload.type)}, ${payload.data.length} bytes`;
  return [`- ${about(before)}`, `+ ${about(after)}`];
}

function dataOf(payload: Payload | undefined): Uint8Array {
  return payload?.data ?? new Uint8Array(0);
}

function tagLines(before: StringMap, after: StringMap): readonly string[] {
  const [old, now] = [pairsText(before), pairsText(after)];
  return old === now ? [] : [`~ tags  ${old === "" ? "none" : old} → ${now === "" ? "none" : now}`];
}

function jsonText(before: Compared, after: Compared): string {
  const members = [
    `"from":${before.revision}`,
    `"to":${after.revision}`,
    `"same":${String(same(before, after))}`,
    ...stateMembers(before.state, after.state),
    `"tags":${JSON.stringify({ before: before.tags, after: after.tags })}`,
  ];
  return `{${members.join(",")}}`;
}

function same(before: Compared, after: Compared): boolean {
  const lines = [...stateLines(before.state, after.state), ...tagLines(before.tags, after.tags)];
  return lines.length === 0;
}

function stateMembers(before: Payload | undefined, after: Payload | undefined): readonly string[] {
  const changes = jsonChanges(before, after);
  if (changes === undefined) {
    return [payloadMember("before", before), payloadMember("after", after)];
  }
  const texts = changes.map(({ op, path, before: old, after: now }) => {
    const values = [
      ...(old === undefined ? [] : [`"before":${compactJson(old)}`]),
      ...(now === undefined ? [] : [`"after":${compactJson(now)}`]),
    ];
    return `{"op":"${op}","path":${JSON.stringify(path)},${values.join(",")}}`;
  });
  return [`"changes":[${texts.join(",")}]`];
}
