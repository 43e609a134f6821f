import { DEFAULT_SOURCE, problem, type ConfigReason, type ConfigSource } from "./config-problem.ts";
import { isLoopback, isWildcard } from "./loopback.ts";
import type { Settings } from "./settings.ts";
import type { Findings } from "./slot.ts";
import { checkStores } from "./store-checks.ts";
import { formatValue, type Address } from "./value-types.ts";

/** The share of a lease that is certain, whatever the rate of the node's own clock. */
const CERTAIN = 0.95;

/** What a check over several keys is handed. */
export interface CheckContext {
  /** Keys whose value is wrong already hold their default. */
  readonly settings: Settings;
  /** Where a key's value came from. */
  sourceOf(key: string): ConfigSource;
  readonly found: Findings;
}

/** A check over several keys. Main adds those that need files or keys to be looked into. */
export type CrossCheck = (context: CheckContext) => void;

function refuse(
  context: CheckContext,
  key: string,
  reason: ConfigReason,
  message: string,
  hint = "",
): void {
  context.found.problems.push(problem(key, context.sourceOf(key), reason, message, hint));
}

/** The addresses that this process listens on, with their keys. */
export function listenAddresses(settings: Settings): readonly (readonly [string, Address])[] {
  const { httpAddr, grpcAddr, adminAddr, peerAddr } = settings;
  const grpc = grpcAddr === undefined ? [] : [["grpc_addr", grpcAddr] as const];
  return [["http_addr", httpAddr], ...grpc, ["admin_addr", adminAddr], ["peer_addr", peerAddr]];
}

function checkPorts(context: CheckContext): void {
  const addresses = listenAddresses(context.settings);
  for (const [index, [key, address]] of addresses.entries()) {
    const other = addresses.slice(0, index).find(([, before]) => {
      if (before.port !== address.port || address.port === 0) return false;
      const anywhere = isWildcard(before.host) || isWildcard(address.host);
      return anywhere || before.host.toLowerCase() === address.host.toLowerCase();
    });
    if (other === undefined) continue;
    // The fault is named at the key that was given, not at one that has its default.
    const given = context.sourceOf(key).kind === "default" ? other[0] : key;
    const message = `${other[0]} and ${key} both listen on port ${address.port}`;
    refuse(context, given, "conflict", message, "give each listener its own port");
  }
}

function checkBinds(context: CheckContext): void {
  const { settings } = context;
  const identity = settings.selections.some((each) => each.contract === "authenticator@1");
  // A client certificate is asked for, not required: without an authenticator nobody looks at it.
  const known = identity || settings.insecureAllowUnauthenticated;
  const sealed = settings.tlsCert !== undefined || settings.tlsTerminatedUpstream;
  for (const [key, address] of listenAddresses(settings)) {
    // Members show each other certificates; that listener has its own keys.
    const peer = key === "peer_addr";
    if (isLoopback(address.host)) continue;
    const ways: string[] = [];
    if (!peer && !known) ways.push("TROUPE_AUTH (or TROUPE_INSECURE_ALLOW_UNAUTHENTICATED=true)");
    if (!peer && !sealed) {
      ways.push("TROUPE_TLS_CERT and TROUPE_TLS_KEY (or TROUPE_TLS_TERMINATED_UPSTREAM=true)");
    }
    if (peer && settings.peerTlsCert === undefined)
      ways.push("TROUPE_PEER_TLS_CERT and TROUPE_PEER_TLS_KEY");
    if (ways.length === 0) continue;
    const text = formatValue("address", address);
    const message = `${key} ${text} is open beyond loopback without ${ways.length > 1 ? "identity and TLS" : "protection"}`;
    refuse(context, key, "open_bind", message, `set ${ways.join(" and ")}, or bind to 127.0.0.1`);
  }
}

function checkStateKey(context: CheckContext): void {
  const { settings } = context;
  if (settings.encryption === "off") return;
  const key = "statestore_keys";
  const hint = "set TROUPE_STATESTORE_KEYS_FILE; make a key with: openssl rand -base64 32";
  if (settings.statestoreKeys?.trim() === "") {
    refuse(context, key, "state_key_missing", `${key} is empty`, hint);
  }
  if (settings.statestoreKeys !== undefined) return;
  const stores = settings.selections.filter((each) => each.contract === "statestore@1");
  const embedded = stores.every(({ plugin }) => plugin === "sqlite" || plugin === "memory");
  const local = listenAddresses(settings).every(([, address]) => isLoopback(address.host));
  if (embedded && local) return;
  // A wrong value was reported where it stands; it is not also missing.
  if (context.sourceOf(key).kind !== "default" || stores.length === 0) return;
  const why = embedded ? "a listener is open beyond loopback" : "a statestore is not embedded";
  refuse(context, key, "state_key_missing", `${key} must be given, because ${why}`, hint);
}

function checkPair(
  context: CheckContext,
  cert: string,
  key: string,
  values: readonly unknown[],
): void {
  const given = values.filter((value) => value !== undefined).length;
  if (given === 1)
    refuse(
      context,
      values[0] === undefined ? key : cert,
      "tls_pair",
      `${cert} and ${key} belong together`,
    );
}

function checkLimits(context: CheckContext): void {
  const { limits } = context.settings;
  if (limits.sessionTtlMs < 3 * limits.sessionRenewMs) {
    const message = "limits.lease_ttl must be at least three times limits.lease_renew";
    refuse(context, "limits.lease_ttl", "lease_ratio", message);
  } else if (limits.sessionTtlMs * CERTAIN - limits.sessionMarginMs < 2 * limits.sessionRenewMs) {
    const message =
      "limits.lease_margin must leave of limits.lease_ttl at least twice limits.lease_renew";
    const given = context.sourceOf("limits.lease_margin").kind !== "default";
    refuse(context, given ? "limits.lease_margin" : "limits.lease_ttl", "lease_ratio", message);
  }
  const ordered: readonly (readonly [string, number, string, number])[] = [
    [
      "limits.deadline_default",
      limits.defaultDeadlineMs,
      "limits.deadline_max",
      limits.maxDeadlineMs,
    ],
    ["limits.lease_margin", limits.sessionMarginMs, "limits.lease_ttl", limits.sessionTtlMs],
    ["limits.warn_state_bytes", limits.warnStateBytes, "limits.max_state_bytes", limits.stateBytes],
    ["limits.in_flight_min", limits.inFlightMin, "limits.in_flight_start", limits.inFlightStart],
    ["limits.in_flight_start", limits.inFlightStart, "limits.in_flight_max", limits.inFlightCalls],
    [
      "limits.metadata_value_bytes",
      limits.metadataValueBytes,
      "limits.metadata_bytes",
      limits.metadataBytes,
    ],
  ];
  for (const [low, lowValue, high, highValue] of ordered) {
    if (lowValue <= highValue) continue;
    const given = context.sourceOf(low).kind === "default" ? high : low;
    refuse(context, given, "range", `${low} must not be more than ${high}`);
  }
}

function checkDiscovery(context: CheckContext): void {
  const { selections } = context.settings;
  const chosen = (contract: string) =>
    selections.find((each) => each.contract === contract)?.plugin;
  if (chosen("discovery@1") !== "store" || chosen("statestore@1") !== "memory") return;
  const message = "discovery looks for members in the statestore, which is in this process alone";
  refuse(context, "discovery", "conflict", message, "choose a statestore that members share");
}

function checkWarnings(context: CheckContext): void {
  const { settings, found } = context;
  const warn = (key: string, message: string): void => {
    found.warnings.push({ key, source: context.sourceOf(key), message });
  };
  const local = settings.seeds.some((seed) => isLoopback(seed.replace(/:\d+$/, "")));
  if (local && settings.seeds.length > 1)
    warn("seeds", "seeds names this machine itself among others");
  if (settings.encryption === "off") warn("encryption", "states are stored without encryption");
  const open = listenAddresses(settings).some(([, address]) => !isLoopback(address.host));
  if (open && settings.insecureAllowUnauthenticated) {
    warn("insecure_allow_unauthenticated", "callers without identity are served beyond loopback");
  }
  if (open && settings.tlsTerminatedUpstream) {
    warn("tls_terminated_upstream", "listeners beyond loopback are in the clear");
  }
}

/** The checks that concern more than one key. */
export const CROSS_CHECKS: readonly CrossCheck[] = [
  checkPorts,
  checkBinds,
  checkStateKey,
  checkStores,
  (context) =>
    checkPair(context, "tls_cert", "tls_key", [context.settings.tlsCert, context.settings.tlsKey]),
  (context) =>
    checkPair(context, "peer_tls_cert", "peer_tls_key", [
      context.settings.peerTlsCert,
      context.settings.peerTlsKey,
    ]),
  checkLimits,
  checkDiscovery,
  checkWarnings,
];

/** The source of a key for checks that find none. */
export function sourceLookup(sources: ReadonlyMap<string, ConfigSource>): CheckContext["sourceOf"] {
  return (key) => sources.get(key) ?? DEFAULT_SOURCE;
}
