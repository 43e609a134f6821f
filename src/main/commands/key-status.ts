import {
  type GetKeysResponse,
  type StateKeyInfo,
  StateKeyState,
} from "../../gen/troupe/v1/cluster_pb.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type ConnectionOptions, openAdminConnection } from "./connection.ts";

const STATES: Readonly<Record<StateKeyState, string>> = {
  [StateKeyState.UNSPECIFIED]: "",
  [StateKeyState.ACTIVE]: "active",
  [StateKeyState.DECRYPT]: "decrypt",
  [StateKeyState.RETIRED]: "retired",
  [StateKeyState.MISSING]: "missing",
};

/** Prints the state keys of a running node with their rows. */
export async function keyStatus(terminal: Terminal, options: ConnectionOptions): Promise<void> {
  const { client, call, attempt } = openAdminConnection(options, terminal);
  const status = await attempt(() => client.getKeys({}, call));
  const { out, err } = terminal;
  if (options.json === true) return out.write(`${JSON.stringify(jsonOf(status))}\n`);
  const lines = new Table(["KEY", "STATE", "ROWS"]).lines(status.keys.map(keyRow));
  out.write(lines.map((line) => `${line}\n`).join(""));
  if (!status.encrypted) err.write("states are not encrypted\n");
  const progress = progressText(status);
  if (progress !== "") err.write(`${progress}\n`);
}

function keyRow({ id, state, rows }: StateKeyInfo): string[] {
  // Rows in the clear have no key; only a store that was written without encryption has them.
  const name = id === "" ? "(none)" : printable(id);
  return [name, id === "" ? "" : STATES[state], rows === undefined ? "?" : String(rows)];
}

function progressText({ resealing }: GetKeysResponse): string {
  if (resealing === undefined) return "";
  const { running, moved, unreadable, rate } = resealing;
  if (!running && moved === 0n && unreadable === 0n) return "";
  const how = running
    ? `re-encryption runs, at most ${rate} rows a second`
    : "re-encryption is over";
  const stuck = unreadable === 0n ? "" : `, ${unreadable} do not open`;
  return `${how}: ${moved} moved since the start${stuck}`;
}

function jsonOf({ encrypted, keys, resealing }: GetKeysResponse): unknown {
  return {
    encrypted,
    keys: keys.map(({ id, state, rows }) => ({
      id,
      state: STATES[state],
      rows: rows === undefined ? null : Number(rows),
    })),
    resealing: {
      running: resealing?.running ?? false,
      moved: Number(resealing?.moved ?? 0n),
      unreadable: Number(resealing?.unreadable ?? 0n),
      rate: resealing?.rate ?? 0,
    },
  };
}
