import type { Statestore } from "../../contract/index.ts";
import { ACTOR_PROFILE } from "../../core/swim/swim-config.ts";
import { ServerError } from "../../domain/error.ts";
import { PROTOCOL } from "../../edge/peer-link/handshake.ts";
import { isLoopback } from "../../kernel/loopback.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Settings } from "../../kernel/settings.ts";
import type { ClusterObserver, ClusterParts } from "../../node/cluster/cluster-parts.ts";
import type { Clock, Logger, Random, TlsMaterial } from "../../node/ports.ts";
import { bindDatagrams } from "../../platform/peer/datagrams.ts";
import { frameSockets } from "../../platform/peer/frame-sockets.ts";
import { EnvelopeGossipSeal } from "../../platform/peer/gossip-seal.ts";
import { createHash } from "node:crypto";
import { addressesOf, makePeerEndpoint } from "./peer-endpoint.ts";
import { readTlsFiles } from "./tls-files.ts";
import { build } from "./version.ts";

/** What a member is made of. */
export interface ClusterWorld {
  readonly settings: Settings;
  readonly kernel: Kernel;
  readonly store: Statestore;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: ClusterObserver;
}

const EXIT_CONFIGURATION = 78;

/**
 * What makes this node a member, or `undefined` if it is none: a store that this process has to itself
 * cannot be shared with others. Throws `ServerError` if its port would be open without protection.
 */
export function clusterParts(world: ClusterWorld): ClusterParts | undefined {
  const { settings, kernel, store, bootId, clock, random, log, observer } = world;
  if (store.exclusive || store.durability !== "durable") return undefined;
  const material = peerTls(settings, clock.wallMs());
  const keys = settings.gossipKeys.map((key) => Buffer.from(key, "base64"));
  checkProtection(settings, material, keys.length, log);
  const tls = (): TlsMaterial | undefined => material;
  const platform = { bind: bindDatagrams, sockets: frameSockets, tls };
  return {
    id: settings.cluster,
    placement: kernel.one("placement@1"),
    discovery: kernel.one("discovery@1"),
    swim: {
      ...ACTOR_PROFILE,
      clusterHash: sum(settings.cluster).readUInt32BE(),
      strategyDigest: strategies(settings).readUInt32BE(),
    },
    strategies: strategies(settings).toString("hex", 0, 8),
    speaks: PROTOCOL,
    version: build.version,
    seal: new EnvelopeGossipSeal({
      cluster: settings.cluster,
      bootId,
      keys,
      wallMs: () => clock.wallMs(),
    }),
    ...platform,
    endpoint: (peers) =>
      makePeerEndpoint(
        {
          ...platform,
          settings,
          clock,
          random,
          log,
          refused: (reason) => observer.dropped(reason),
        },
        peers,
      ),
    resolve: addressesOf,
    observer,
  };
}

/** What must be the same on all members, or they would place actors differently. */
function strategies({ selections }: Settings): Buffer {
  const placement = selections.find(({ contract }) => contract === "placement@1");
  return sum(JSON.stringify([placement?.plugin, placement?.options]));
}

function sum(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function checkProtection(
  { peerAddr }: Settings,
  material: TlsMaterial | undefined,
  keys: number,
  log: Logger,
): void {
  if (keys > 0 && material !== undefined) return;
  if (isLoopback(peerAddr.host)) {
    log.warn("peer.plaintext", { address: `${peerAddr.host}:${peerAddr.port}` });
    return;
  }
  const key = material === undefined ? "peer_tls_cert" : "gossip_keys";
  throw refused("open_bind", `peer_addr is open beyond loopback without ${key}`);
}

function peerTls(settings: Settings, nowMs: number): TlsMaterial | undefined {
  const { peerTlsCert: tlsCert, peerTlsKey: tlsKey, peerTlsCa: tlsCa } = settings;
  const read = readTlsFiles({ tlsCert, tlsKey, tlsCa }, nowMs);
  if (read.kind === "fault") throw refused(read.fault.reason, `peer_${read.fault.message}`);
  return read.kind === "material" ? { ...read.material, clientCertificate: "required" } : undefined;
}

function refused(reason: string, message: string): ServerError {
  const details = { reason, exitCode: EXIT_CONFIGURATION };
  return new ServerError("request.invalid", message, "not_started", details);
}
