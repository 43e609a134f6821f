import { readFileSync } from "node:fs";
import { type CallOptions, type Client, ConnectError, createClient } from "@connectrpc/connect";
import type { DescService } from "@bufbuild/protobuf";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type Command, InvalidArgumentError } from "commander";
import { ActorService } from "../../gen/troupe/v1/actor_pb.ts";
import { ClusterService } from "../../gen/troupe/v1/cluster_pb.ts";
import { parseValue } from "../../kernel/value-types.ts";
import { CommandError, usageError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import type { Terminal } from "../cli/terminal.ts";
import { callProblem } from "./call-problem.ts";

/** Options of every command that calls a node. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly timeout?: number;
  readonly json?: boolean;
}

/** A service of a node and how to call it. */
export interface Connection<Service extends DescService = typeof ActorService> {
  readonly client: Client<Service>;
  /** For unary calls: token and deadline. */
  readonly call: CallOptions;
  /** For streams, which last as long as they are read. */
  readonly stream: CallOptions;
  /** Runs calls; a failure of theirs becomes the `CommandError` that says it. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
}

/** Variables of the commands that call a node; they are no settings of one. */
export const CLIENT_VARIABLES: readonly string[] = [
  "TROUPE_URL",
  "TROUPE_ADMIN_URL",
  "TROUPE_TOKEN",
];
/** Where a service is: the variable that names it, and where it is by default. */
interface Place {
  readonly variable: string;
  readonly url: string;
}

const CLIENT: Place = { variable: "TROUPE_URL", url: "http://127.0.0.1:7700" };
const ADMIN: Place = { variable: "TROUPE_ADMIN_URL", url: "http://127.0.0.1:7701" };
const TIMEOUT_MS = 30_000;
const MAX_TOKEN_BYTES = 64 * 1024;

/** Adds the options of `ConnectionOptions` to a command that calls actors. */
export function withConnection(command: Command): Command {
  return withOptions(command, "where the node is", CLIENT);
}

/** Adds the options of `ConnectionOptions` to a command for administrators. */
export function withAdminConnection(command: Command): Command {
  return withOptions(command, "the admin address of the node", ADMIN);
}

function withOptions(command: Command, what: string, { variable, url }: Place): Command {
  return command
    .option("--url <url>", `${what} (${variable}, else ${url})`)
    .option("--token-file <path>", "file with a bearer token")
    .option("--token <token>", "bearer token; TROUPE_TOKEN or a file keep it off the command line")
    .option("--timeout <duration>", "longest wait for an answer, e.g. 5s (30s)", durationMs)
    .option("--json", "JSON for programs");
}

/** Reads a duration option, e.g. `5s`, in milliseconds. */
export function durationMs(text: string): number {
  const parsed = parseValue({ type: "duration", doc: "" }, text);
  if (parsed.ok && Number(parsed.value) > 0) return Number(parsed.value);
  throw new InvalidArgumentError("write a number with a unit, e.g. 500ms, 5s, 1m");
}

/** Reads an option that is a whole number and not negative. */
export function wholeNumber(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("write a whole number");
}

/** Collects `name=value` options that may be repeated. */
export function namedValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("write name=value");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The node that options and environment name. Opens nothing; throws `CommandError`. */
export function openConnection(options: ConnectionOptions, terminal: Terminal): Connection {
  return open(ActorService, CLIENT, options, terminal);
}

/** The admin listener that options and environment name, likewise. */
export function openAdminConnection(
  options: ConnectionOptions,
  terminal: Terminal,
): Connection<typeof ClusterService> {
  return open(ClusterService, ADMIN, options, terminal);
}

function open<Service extends DescService>(
  service: Service,
  place: Place,
  options: ConnectionOptions,
  terminal: Terminal,
): Connection<Service> {
  const url = options.url ?? nonEmpty(terminal.environment[place.variable]) ?? place.url;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageError(`${url} is not the URL of a node`, `write e.g. ${place.url}`);
  }
  const token = tokenOf(options, terminal);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  return {
    client: createClient(service, transport),
    call: { headers, timeoutMs: options.timeout ?? TIMEOUT_MS },
    stream: { headers },
    attempt: async (work) => {
      try {
        return await work();
      } catch (error) {
        throw error instanceof ConnectError ? callProblem(error, url) : error;
      }
    },
  };
}

function tokenOf(options: ConnectionOptions, terminal: Terminal): string | undefined {
  const { token, tokenFile } = options;
  if (token !== undefined && tokenFile !== undefined) {
    throw usageError("--token and --token-file are both given", "keep one of them");
  }
  const text =
    tokenFile === undefined
      ? (token ?? nonEmpty(terminal.environment["TROUPE_TOKEN"]))
      : readText(tokenFile, MAX_TOKEN_BYTES).trim();
  if (text !== undefined && !/^[\u0021-\u007e]+$/.test(text)) {
    throw usageError("the token is empty or holds blanks or letters that no token has");
  }
  return text;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** The text of a file that an option names; throws `CommandError`. */
export function readText(path: string, maxBytes: number): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "EACCES") {
      throw new CommandError(`${path} may not be read by this user`, EXIT.permission);
    }
    if (code === "ENOENT") throw usageError(`${path} does not exist`);
    throw new CommandError(`${path} cannot be read (${code || "unknown error"})`, EXIT.io);
  }
  if (bytes.length > maxBytes) throw usageError(`${path} has more than ${maxBytes} bytes`);
  return new TextDecoder().decode(bytes);
}
