import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { readTokenLines } from "../../../plugins/authenticators/token/token-set.ts";
import { parseKeyring } from "../../platform/envelope-keyring.ts";
import { CommandError, usageError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type ConnectionOptions, withAdminConnection } from "./connection.ts";
import { keyStatus } from "./key-status.ts";

interface GenerateOptions {
  readonly id?: string;
  readonly state?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

interface TokenOptions {
  readonly role?: readonly string[];
  readonly kind: string;
  readonly json?: boolean;
}

const KEY_BYTES = 32;
const GENERATE_HELP = `
Examples:
  troupe keys generate --out state.key       then: TROUPE_STATESTORE_KEYS_FILE=state.key
  troupe keys generate --id k2               kid:base64 on standard output

To rotate, put the new key first and keep the old one behind it, separated by a comma: what is
written is sealed with the first, what is there is opened with any. Rows are moved to the first in
the background; troupe keys status says when the old one may go.
`;
const TOKEN_HELP = `
Examples:
  troupe keys token alice --role admin       a token, and its line for the token file

The token is shown once: give it to its holder, who sets TROUPE_TOKEN. The line holds only its
SHA-256; it belongs into the file of the authenticator: TROUPE_AUTH=token, TROUPE_AUTH_TOKEN_FILE=…
`;

const STATUS_HELP = `
Examples:
  troupe keys status                         of the node on this machine
  troupe keys status --url http://10.0.0.7:7701 --json

Asks a running node at its admin address, which has every row of the statestore looked at: of all
nodes where they share one. A key may go from the configuration when no rows lie under it.
`;

/** Adds `troupe keys generate`, `troupe keys status` and `troupe keys token`. */
export function addKeys(program: Command, terminal: Terminal): void {
  const keys = program
    .command("keys")
    .description("make keys that seal states, and tokens; see which are in use");
  keys
    .command("generate")
    .description("make a key that seals states: kid:base64")
    .addHelpText("after", GENERATE_HELP)
    .option("--id <kid>", "its id, 1 to 8 letters, digits, dots, dashes (k and the date)")
    .option("--state", "a key for states, which is the only kind there is")
    .option("--out <file>", "write it to a new file that only this user may read")
    .option("--json", "JSON for programs")
    .action((options: GenerateOptions) => generate(terminal, options));
  const status = keys
    .command("status")
    .description("how many rows lie under each state key, and how far re-encryption is")
    .addHelpText("after", STATUS_HELP);
  withAdminConnection(status).action((options: ConnectionOptions) => keyStatus(terminal, options));
  keys
    .command("token <name>")
    .description("make a bearer token and its line for the token authenticator")
    .addHelpText("after", TOKEN_HELP)
    .option("--role <name>", "a role of its holder; may be repeated", collect)
    .option("--kind <kind>", "client, host or admin", "client")
    .option("--json", "JSON for programs")
    .action((name: string, options: TokenOptions) => token(terminal, name, options));
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function generate(terminal: Terminal, options: GenerateOptions): void {
  const id = options.id ?? `k${new Date().toISOString().slice(2, 10).replaceAll("-", "")}`;
  const key = `${id}:${randomBytes(KEY_BYTES).toString("base64")}`;
  // The reader of keys decides what an id may be.
  checked(() => parseKeyring(key));
  const { out, err } = terminal;
  if (options.out !== undefined) {
    writeSecret(options.out, `${key}\n`);
    const about = { id, file: options.out };
    return out.write(
      options.json === true ? `${JSON.stringify(about)}\n` : `wrote key ${id} to ${options.out}\n`,
    );
  }
  out.write(options.json === true ? `${JSON.stringify({ id, key })}\n` : `${key}\n`);
  if (err.interactive) err.write(err.paint.dim("keep it: without it the states are lost\n"));
}

function token(terminal: Terminal, name: string, options: TokenOptions): void {
  const { role = [], kind, json } = options;
  const made = randomBytes(KEY_BYTES).toString("base64url");
  const hash = createHash("sha256").update(made).digest("hex");
  const tail = kind === "client" ? "" : `:${kind}`;
  const line = `${name}:${hash}${role.length > 0 || tail !== "" ? `:${role.join(",")}` : ""}${tail}`;
  const read = readTokenLines(line);
  if (read.kind === "refused") throw usageError(read.message.replace(/^line 1: /, ""));
  terminal.out.write(
    json === true ? `${JSON.stringify({ name, token: made, line })}\n` : `${made}\n${line}\n`,
  );
  const { err } = terminal;
  if (err.interactive) err.write(err.paint.dim("first the token, then the line for the file\n"));
}

function checked(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

/** Never over a file that is there: it may be the only copy of a key. */
function writeSecret(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "EEXIST") {
      throw new CommandError(`${path} exists already`, EXIT.cannotCreate, "name a new file");
    }
    if (code === "EACCES") throw new CommandError(`${path} may not be written`, EXIT.permission);
    throw new CommandError(`${path} cannot be written (${code})`, EXIT.cannotCreate);
  }
}
