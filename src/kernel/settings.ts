import { INTERNAL_SYSTEM, isName } from "../domain/actor.ts";
import type { Selections } from "./families.ts";
import { LIMIT_SETTINGS } from "./limit-settings.ts";
import { parseSeed } from "./seed-address.ts";
import { choice, optional, setting, type Setting, type SettingValues } from "./setting.ts";
import type { ValueFault } from "./value-types.ts";

const RESERVED = { reserved: true } as const;
const GOSSIP_KEY_BYTES = 32;

function nameFault(value: unknown): ValueFault | undefined {
  if (typeof value === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value))
    return undefined;
  return {
    reason: "charset",
    message: "must be 1 to 63 letters, digits, dots, hyphens or underscores",
    hint: "begin with a letter or a digit",
  };
}

function systemsFault(value: unknown): ValueFault | undefined {
  for (const system of Object.keys(value as Readonly<Record<string, string>>)) {
    if (system === INTERNAL_SYSTEM) {
      return { reason: "range", message: `names ${system}, which is the server's own`, hint: "" };
    }
    if (isName(system)) continue;
    const message = `names ${system === "" ? "nothing" : system}, which is no name of a system`;
    return { reason: "charset", message, hint: "use letters, digits, dots, hyphens, underscores" };
  }
  return undefined;
}

function originFault(value: unknown): ValueFault | undefined {
  const origins = Array.isArray(value) ? value : [];
  const fits = origins.every(
    (item) => item === "*" || (URL.canParse(String(item)) && new URL(String(item)).origin === item),
  );
  const hint = "write e.g. https://app.example.com, without a path";
  return fits ? undefined : { reason: "url", message: "must be a list of web origins", hint };
}

function seedFault(value: unknown): ValueFault | undefined {
  const seeds = Array.isArray(value) ? value.map(String) : [];
  if (seeds.every((seed) => parseSeed(seed) !== undefined)) return undefined;
  const hint = "write host:port or host, e.g. node-b:7702 or [::1]:7702";
  return { reason: "type", message: "must be a list of addresses", hint };
}

function gossipKeyFault(value: unknown): ValueFault | undefined {
  const keys = Array.isArray(value) ? value.map(String) : [];
  const fits = keys.every((key) => {
    const digits = key.replace(/=+$/, "");
    return (
      /^[A-Za-z0-9+/]+$/.test(digits) && Math.floor((digits.length * 3) / 4) === GOSSIP_KEY_BYTES
    );
  });
  const message = `must be a list of ${GOSSIP_KEY_BYTES} byte keys in base64`;
  return fits
    ? undefined
    : {
        reason: "length",
        message,
        hint: "make one with: openssl rand -base64 32",
      };
}

/** The keys of one node besides limits and plug-ins. */
export const NODE_SETTINGS = {
  nodeName: optional(
    "node_name",
    "string",
    "Stable id of the node; without it the host name with a suffix that is kept in the data directory.",
    { check: nameFault },
  ),
  cluster: setting(
    "cluster",
    "string",
    "troupe",
    "Id of the cluster; members with another id are refused.",
    { check: nameFault },
  ),
  dataDir: setting(
    "data_dir",
    "path",
    ".troupe",
    "Directory of the embedded store, the node's identity and keys made for development.",
  ),
  httpAddr: setting(
    "http_addr",
    "address",
    "127.0.0.1:7700",
    "Where clients and hosts connect: Connect, gRPC, gRPC-web, JSON, WebSocket.",
  ),
  port: optional(
    "port",
    "integer",
    "Port of `http_addr`, where that is given in a lower place or not at all.",
    { min: 0, max: 65_535 },
  ),
  grpcAddr: optional(
    "grpc_addr",
    "address",
    "A separate address for gRPC; without it gRPC is served on `http_addr`.",
  ),
  adminAddr: setting(
    "admin_addr",
    "address",
    "127.0.0.1:7701",
    "Where the admin API, metrics and health are served.",
  ),
  peerAddr: setting(
    "peer_addr",
    "address",
    "127.0.0.1:7702",
    "Where other members connect (TCP) and gossip (UDP); not bound with a store that no other process may have.",
  ),
  peerAdvertise: optional(
    "peer_advertise",
    "address",
    "The address that other members are told, if it is not `peer_addr`.",
  ),
  seeds: setting(
    "seeds",
    "list",
    "",
    "Addresses of members to join, `host:port`; without a port that of `peer_addr`.",
    { max: 64, check: seedFault },
  ),
  statestoreKeys: optional(
    "statestore_keys",
    "string",
    "Keys that seal states: `kid:base64[,…]`, the first is active; a bare base64 text has the id `spawn`.",
    { secret: true },
  ),
  systems: setting(
    "systems",
    "map",
    "",
    "Which further statestore a system has: in a file `systems: {<name>: {statestore: <store>}}`, elsewhere `<name>=<store>`.",
    { variable: "TROUPE_SYSTEM_STORES", inner: "statestore", check: systemsFault },
  ),
  encryption: choice(
    "encryption",
    ["on", "off"],
    "on",
    "Whether states are sealed before they reach the statestore.",
  ),
  acceptUnsafeDurability: setting(
    "accept_unsafe_durability",
    "boolean",
    "false",
    "Serve although the database may lose acknowledged commits.",
  ),
  redundancy: choice(
    "redundancy",
    ["singularity", "replication"],
    "singularity",
    "How many members hold an actor.",
    RESERVED,
  ),
  migration: choice(
    "migration",
    ["cold-swap", "hot-swap"],
    "hot-swap",
    "How an actor moves to another member.",
    RESERVED,
  ),
  synchronization: choice(
    "synchronization",
    ["pubsub", "gossip"],
    "pubsub",
    "How members learn of each other's actors.",
    RESERVED,
  ),
  broadcast: choice(
    "broadcast",
    ["cluster", "nats"],
    "cluster",
    "How channels reach other members.",
    RESERVED,
  ),
  peerManager: choice(
    "peer_manager",
    ["full-mesh", "hyparview", "client-server", "static"],
    "full-mesh",
    "Which members connect to each other.",
    RESERVED,
  ),
  gateways: {
    ...setting("gateways", "list", "", "Foreign protocols to serve.", RESERVED),
    values: ["spawn"],
  },
  hooks: setting("hooks", "map", "", "Webhook URLs per event, `event=url`.", RESERVED),
  plugins: setting(
    "plugins",
    "list",
    "",
    "External plug-ins: absolute or relative paths of .ts or .js files, each with an optional `#sha256=<hex>`.",
  ),
  requirePluginIntegrity: setting(
    "require_plugin_integrity",
    "boolean",
    "false",
    "Refuse external plug-ins without a SHA-256.",
  ),
  corsOrigins: setting(
    "cors_origins",
    "list",
    "",
    "Browser origins that may call the client API.",
    { check: originFault },
  ),
  actors: setting("actors", "list", "", "Actor modules that run in this process."),
  workers: setting("workers", "integer", "1", "Member processes behind one port.", {
    min: 1,
    max: 256,
  }),
  reusePort: setting(
    "reuse_port",
    "boolean",
    "false",
    "Share `http_addr` with other processes that do the same; the system spreads connections.",
  ),
  stopWithStdin: setting(
    "stop_with_stdin",
    "boolean",
    "false",
    "End gracefully when standard input ends, as it does when a supervisor dies.",
  ),
  insecureAllowUnauthenticated: setting(
    "insecure_allow_unauthenticated",
    "boolean",
    "false",
    "Serve callers without identity beyond loopback.",
  ),
  tlsTerminatedUpstream: setting(
    "tls_terminated_upstream",
    "boolean",
    "false",
    "Serve in the clear beyond loopback, because a proxy in front ends TLS.",
  ),
  tlsCert: optional(
    "tls_cert",
    "path",
    "Certificate chain of the listeners (PEM); read again when it changes.",
  ),
  tlsKey: optional("tls_key", "path", "Private key of the listeners (PEM)."),
  tlsCa: optional("tls_ca", "path", "Authorities whose client certificates are accepted (PEM)."),
  peerTlsCert: optional("peer_tls_cert", "path", "Certificate chain between members (PEM)."),
  peerTlsKey: optional("peer_tls_key", "path", "Private key between members (PEM)."),
  peerTlsCa: optional("peer_tls_ca", "path", "Authorities of members (PEM)."),
  gossipKeys: setting("gossip_keys", "list", "", "Keys that seal gossip, the first is active.", {
    secret: true,
    check: gossipKeyFault,
  }),
  logLevel: choice(
    "log_level",
    ["debug", "info", "warn", "error"],
    "info",
    "Least severity that is logged.",
  ),
  logFormat: choice(
    "log_format",
    ["auto", "json", "text"],
    "auto",
    "`auto`: text on a terminal, else JSON.",
  ),
  shutdownDelayMs: setting(
    "shutdown_delay",
    "duration",
    "5s",
    "Time between readiness going off and the first refused call.",
    { min: 0 },
  ),
  shutdownTimeoutMs: setting(
    "shutdown_timeout",
    "duration",
    "30s",
    "Time for the whole of an orderly stop.",
  ),
} as const;

/** Every bound of one node; also the bounds that `domain/limits.ts` asks for. */
export type NodeLimits = SettingValues<typeof LIMIT_SETTINGS>;

/** The whole configuration of one node, checked and frozen. Durations in milliseconds, sizes in bytes. */
export interface Settings extends SettingValues<typeof NODE_SETTINGS> {
  readonly limits: NodeLimits;
  /** Which plug-ins serve which family, with their options. */
  readonly selections: Selections;
}

/** Every setting of the server in the order of documentation. */
export function allSettings(): readonly Setting<unknown>[] {
  return [...Object.values(NODE_SETTINGS), ...Object.values(LIMIT_SETTINGS)];
}
