import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type {
  ContractId,
  HostOf,
  PluginHost,
  PluginMeter,
  Seed,
  SessionAddress,
  SessionRow,
} from "../../contract/index.ts";
import {
  type ErrorCode,
  type ErrorDetails,
  type Outcome,
  ServerError,
} from "../../domain/error.ts";
import { MAIN_STATESTORE } from "../../kernel/families.ts";
import type { HostRequest } from "../../kernel/kernel.ts";
import type { ActivatorDoor } from "../../node/activator-door.ts";
import type { Clock, Logger, Random } from "../../node/ports.ts";
import { KeptFile } from "./kept-file.ts";

const OWNER_ONLY = 0o700;

/** What the hosts of all plug-ins are made of. */
export interface PluginWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: (plugin: string) => PluginMeter;
  readonly dataDir: string;
  readonly cluster: string;
  readonly acceptUnsafeDurability: boolean;
  readonly shared: boolean;
  readonly queryTimeoutMs: number;
  readonly transactionTries: number;
  readonly nodeName: string;
  readonly seeds: readonly Seed[];
  readonly peerPort: number;
  readonly sessions: () => Promise<readonly SessionRow[]>;
  readonly door: (instance: string) => ActivatorDoor;
}

/** Makes what each plug-in is handed, by its contract. */
export function pluginHosts(world: PluginWorld): (request: HostRequest) => HostOf<ContractId> {
  return (request) => {
    const host = plainHost(world, request);
    switch (request.contract) {
      case "statestore@1":
        return {
          ...host,
          cluster: world.cluster,
          acceptUnsafeDurability: world.acceptUnsafeDurability,
          shared: world.shared,
          queryTimeoutMs: world.queryTimeoutMs,
          transactionTries: world.transactionTries,
        };
      case "partition-tolerance@1":
        return { ...host, ...keptFile(world.dataDir, request) };
      case "discovery@1": {
        const { nodeName, cluster, seeds, peerPort } = world;
        const sessions = () => addresses(world.sessions);
        return { ...host, nodeName, cluster, seeds, peerPort, sessions };
      }
      case "activator@1":
        return { ...host, ...world.door(request.instance) };
      default:
        return host;
    }
  };
}

/** Of sessions that are up: their lease may have ended, and they may be there all the same. */
async function addresses(sessions: PluginWorld["sessions"]): Promise<readonly SessionAddress[]> {
  const rows = await sessions();
  return rows
    .filter(({ state }) => state === "up")
    .map(({ nodeName, address }) => ({ nodeId: nodeName, address }));
}

function keptFile(dataDir: string, { plugin }: HostRequest) {
  const file = new KeptFile(join(dataDir, "plugins", `partition-tolerance-${plugin}.json`));
  return { load: () => file.load(), save: (bytes: Uint8Array) => file.save(bytes) };
}

function plainHost(world: PluginWorld, request: HostRequest): PluginHost {
  const { clock, random, log, meter, dataDir } = world;
  const { plugin, instance } = request;
  return {
    instance,
    dataDir: ownDataDir(dataDir, request),
    log: log.child({ plugin, instance }),
    clock: {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    },
    random: { unit: () => random.unit() },
    meter: meter(isFurtherStore(request) ? `${plugin}_${instance}` : plugin),
    report: request.report,
    error: (code: ErrorCode, message: string, outcome: Outcome, details?: ErrorDetails) =>
      new ServerError(code, message, outcome, details),
  };
}

function isFurtherStore({ contract, instance }: HostRequest): boolean {
  return contract === "statestore@1" && instance !== MAIN_STATESTORE;
}

/** A further statestore has a directory to itself, so that two embedded ones never share a file. */
function ownDataDir(dataDir: string, request: HostRequest): string {
  if (!isFurtherStore(request)) return dataDir;
  const own = join(dataDir, "statestores", request.instance);
  mkdirSync(own, { recursive: true, mode: OWNER_ONLY });
  return own;
}
