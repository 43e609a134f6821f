import type { Discovery, DiscoveryHost, Seed } from "../../../src/contract/index.ts";
import { lookupAddresses, lookupServices } from "../kit/dns-lookup.ts";
import { seedList } from "../kit/seed-list.ts";
import { withDeadline } from "../kit/with-deadline.ts";

/** Which records name the members. */
export type DnsRecords = "address" | "srv";

/** What a search in the domain name system needs to know. */
export interface DnsDiscoveryConfig {
  readonly name: string;
  readonly records: DnsRecords;
  /** 0 for the port of this node's own peers. */
  readonly port: number;
  readonly servers: readonly string[];
  readonly timeout: number;
}

/** Finds members behind one name: its addresses, or its service records. */
export class DnsDiscovery implements Discovery {
  readonly #config: DnsDiscoveryConfig;
  readonly #host: DiscoveryHost;

  constructor(config: DnsDiscoveryConfig, host: DiscoveryHost) {
    this.#config = config;
    this.#host = host;
  }

  async find(signal: AbortSignal): Promise<readonly Seed[]> {
    const { name, timeout } = this.#config;
    try {
      const { clock } = this.#host;
      return seedList(await withDeadline(clock, signal, timeout, (inner) => this.#ask(inner)));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : "unknown";
      const message = `the name ${name} could not be looked up: ${why}`;
      throw this.#host.error("routing.unreachable", message, "not_started", { cause });
    }
  }

  async #ask(signal: AbortSignal): Promise<readonly Seed[]> {
    const { name, records, port } = this.#config;
    if (records === "srv") return lookupServices(name, this.#config, signal);
    const addresses = await lookupAddresses(name, this.#config, signal);
    const peerPort = port === 0 ? this.#host.peerPort : port;
    return addresses.map((host) => ({ host, port: peerPort }));
  }
}
