import { readFileSync } from "node:fs";
import type { OptionDescriptors, StatestoreHost } from "../../../../src/contract/index.ts";
import { raise } from "../failure.ts";
import type { MigrateMode } from "./open-schema.ts";
import { EXIT, refusal } from "./schema-state.ts";
import type { SqlAddress } from "./sql-client.ts";

/** How the connection is secured: `auto` verifies, except on the loopback, where it is off. */
export type SslOption = "auto" | "off" | "on" | "verify" | "true" | "false";

/** Options that every server has. */
export interface ServerOptions {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: SslOption;
  readonly sslVerify: "auto" | "true" | "false";
  readonly sslCa: string;
  readonly allowInsecure: boolean;
  readonly poolSize: number;
  readonly queueTarget: number;
  readonly connectTimeout: number;
  readonly migrate: MigrateMode;
}

/** What differs in the options of two kinds of servers. */
export interface ServerKind {
  /** Schemes of its URLs, the usual one first. */
  readonly schemes: readonly string[];
  readonly port: number;
  readonly user: string;
  /** The socket file in the folder that is given in place of a host name. */
  socketIn(folder: string, port: number): string;
}

/** The descriptors of `ServerOptions`. */
export function serverOptions({ schemes, port }: ServerKind): OptionDescriptors<ServerOptions> {
  return {
    url: {
      type: "url",
      default: "",
      secret: true,
      doc: `Where the database is: ${schemes[0]}://user:password@host:port/database; in place of the parts.`,
    },
    host: {
      type: "string",
      default: "127.0.0.1",
      doc: "Host of the database, or the folder of its Unix socket.",
    },
    port: { type: "integer", default: port, min: 1, max: 65_535, doc: "Port of the database." },
    user: { type: "string", default: "", doc: "User of the database." },
    password: { type: "string", default: "", secret: true, doc: "Password of the user." },
    database: { type: "string", default: "", doc: "Name of the database." },
    ssl: {
      type: "string",
      default: "auto",
      values: ["auto", "off", "on", "verify", "true", "false"],
      doc: "off, on (any certificate) or verify; auto verifies, except on the loopback, where it is off.",
    },
    sslVerify: {
      type: "string",
      default: "auto",
      values: ["auto", "true", "false"],
      doc: "Whether ssl=true checks the certificate and its name; auto checks.",
    },
    sslCa: {
      type: "path",
      default: "",
      doc: "PEM file of the authorities to trust; by default those of the system.",
    },
    allowInsecure: {
      type: "boolean",
      default: false,
      doc: "Allows a connection in the clear beyond the loopback.",
    },
    poolSize: {
      type: "integer",
      default: 20,
      min: 1,
      max: 1_000,
      doc: "Most connections for work; leases have one more to themselves.",
    },
    queueTarget: {
      type: "duration",
      default: 10_000,
      min: 10,
      max: 600_000,
      doc: "Longest wait for a free connection.",
    },
    connectTimeout: {
      type: "duration",
      default: 5_000,
      min: 100,
      max: 600_000,
      doc: "Longest time to connect and log in.",
    },
    migrate: {
      type: "string",
      default: "auto",
      values: ["auto", "check"],
      doc: "auto: a start brings the schema up to date. check: it refuses, and troupe migrate does it.",
    },
  };
}

/** The address that the options name. Throws the host's error with exit code 78 if they do not. */
export function serverAddress(
  options: ServerOptions,
  kind: ServerKind,
  host: StatestoreHost,
): SqlAddress {
  try {
    const address = options.url === "" ? fromParts(options, kind) : fromUrl(options, kind);
    checkSecurity(address, options);
    return address;
  } catch (error) {
    const failure = error instanceof Error && "failure" in error ? error.failure : undefined;
    throw failure === undefined ? error : raise(host, failure as Parameters<typeof raise>[1]);
  }
}

function fromParts(options: ServerOptions, kind: ServerKind): SqlAddress {
  const { host, port, password, database } = options;
  if (host === "") throw badUrl("the host is empty");
  if (database === "") throw badUrl("the database has no name");
  const user = options.user === "" ? kind.user : options.user;
  const socketPath = host.startsWith("/") ? kind.socketIn(host, port) : "";
  const tls = tlsOf(options, undefined, socketPath !== "" || isLoopback(host));
  return { host, port, socketPath, user, password, database, tls, tlsCa: authorities(options) };
}

const URL_PATTERN =
  /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

function fromUrl(options: ServerOptions, kind: ServerKind): SqlAddress {
  const masked = maskPassword(options.url);
  const parts = URL_PATTERN.exec(options.url);
  if (parts === null) throw badUrl(`${masked} is no URL of a database`);
  const [, scheme = "", login = "", name = "", port = "", path = "", query = ""] = parts;
  if (!kind.schemes.includes(scheme.toLowerCase())) {
    throw badUrl(`${masked} must begin with ${kind.schemes[0]}://`);
  }
  const host = name.startsWith("[") ? name.slice(1, -1) : decoded(name, masked);
  const database = decoded(path, masked);
  if (host === "") throw badUrl(`${masked} names no host`);
  if (database === "") throw badUrl(`${masked} names no database`);
  const number = portOf(port, kind, masked);
  const socketPath = host.startsWith("/") ? kind.socketIn(host, number) : "";
  const mode = queryValue(query, /^(?:sslmode|ssl-mode|ssl|encrypt)$/i, masked);
  const tls = tlsOf(options, mode, socketPath !== "" || isLoopback(host));
  const place = { host, port: number, socketPath, database, tls, tlsCa: authorities(options) };
  return { ...place, ...loginOf(login, options, kind, masked) };
}

function portOf(text: string, kind: ServerKind, masked: string): number {
  const port = text === "" ? kind.port : Number(text);
  if (port < 1 || port > 65_535) throw badUrl(`${masked} names no port`);
  return port;
}

/** User and password of a URL; what it lacks is taken from the other options. */
function loginOf(
  login: string,
  options: ServerOptions,
  kind: ServerKind,
  masked: string,
): Pick<SqlAddress, "user" | "password"> {
  const colon = login.indexOf(":");
  const user = decoded(colon < 0 ? login : login.slice(0, colon), masked);
  const password = colon < 0 ? "" : decoded(login.slice(colon + 1), masked);
  return {
    user: user || options.user || kind.user,
    password: password || options.password,
  };
}

/** The one parameter of a URL that is understood; any other is refused by its name. */
function queryValue(query: string, wanted: RegExp, masked: string): string | undefined {
  let value: string | undefined;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [name = "", text = ""] = pair.split("=");
    if (!wanted.test(name)) throw badUrl(`${masked} has a parameter that is not known`);
    value = decoded(text, masked);
  }
  return value;
}

function tlsOf(
  options: ServerOptions,
  mode: string | undefined,
  isNear: boolean,
): SqlAddress["tls"] {
  const { ssl, sslVerify } = options;
  if (ssl === "off" || ssl === "false") return "off";
  if (ssl === "on" || ssl === "verify") return ssl;
  if (ssl === "true") return sslVerify === "false" ? "on" : "verify";
  switch (mode?.toLowerCase()) {
    case undefined:
    case "":
      return isNear ? "off" : "verify";
    case "disable":
    case "disabled":
    case "false":
    case "off":
      return "off";
    case "allow":
    case "prefer":
    case "preferred":
    case "require":
    case "required":
      return "on";
    case "true":
    case "on":
    case "verify":
    case "verify-ca":
    case "verify-full":
    case "verify_ca":
    case "verify_identity":
    case "strict":
      return "verify";
    default:
      throw badUrl("the URL asks for a kind of TLS that is not known");
  }
}

function authorities({ sslCa }: ServerOptions): string {
  if (sslCa === "") return "";
  try {
    return readFileSync(sslCa, "utf8");
  } catch {
    throw refusal("plugin.unsupported", "ssl_ca", EXIT.configuration, `${sslCa} cannot be read`);
  }
}

function checkSecurity({ host, socketPath, tls }: SqlAddress, options: ServerOptions): void {
  if (tls !== "off" || socketPath !== "" || isLoopback(host) || options.allowInsecure) return;
  const message = `the connection to ${host} would be in the clear`;
  const hint = "use ssl, or set allowInsecure where the network is trusted";
  throw refusal("plugin.unsupported", "insecure_db", EXIT.configuration, message, hint);
}

/** True for names of this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The URL without its password and its parameters, for messages. */
export function maskPassword(url: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return "the text that is given";
  return url.replace(/^([^:]*:\/\/[^:@/]*):.*@/, "$1:***@").replace(/[?#].*$/, "");
}

function decoded(text: string, masked: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(`${masked} has a % that is not followed by two hexadecimal digits`);
  }
}

function badUrl(message: string): Error {
  return refusal("plugin.unsupported", "url", EXIT.configuration, message);
}
