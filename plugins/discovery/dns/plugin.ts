import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { DnsDiscovery, type DnsDiscoveryConfig } from "./dns-discovery.ts";

const options: OptionDescriptors<DnsDiscoveryConfig> = {
  name: {
    type: "string",
    doc: "The name behind which the members are, e.g. `troupe.example.org` or `_peer._tcp.example.org`.",
  },
  records: {
    type: "string",
    default: "address",
    values: ["address", "srv"],
    doc: "`address`: its A and AAAA records. `srv`: its service records, which have ports of their own.",
  },
  port: {
    type: "integer",
    default: 0,
    min: 0,
    max: 65_535,
    doc: "Port of members that are found by address; 0 for the port of this node's peers.",
  },
  servers: {
    type: "list",
    default: [],
    max: 8,
    doc: "Name servers to ask, `ip` or `ip:port`; without them those of the system.",
  },
  timeout: {
    type: "duration",
    default: 5_000,
    min: 1,
    doc: "Longest wait for an answer.",
  },
};

export default {
  contract: "discovery@1",
  name: "dns",
  stability: "beta",
  doc: "The members behind a name: its addresses (A, AAAA) or its service records (SRV).",
  options,
  create(config, host) {
    const bad = config.servers.find(
      (server) => !/^(?:\[[0-9A-Fa-f:]+\](?::\d+)?|[0-9A-Fa-f:.]+)$/.test(server),
    );
    if (bad !== undefined) {
      const message = `the name server ${bad} is no IP address`;
      throw host.error("request.invalid", message, "not_started");
    }
    return new DnsDiscovery(config, host);
  },
} satisfies Plugin<"discovery@1", DnsDiscoveryConfig>;
