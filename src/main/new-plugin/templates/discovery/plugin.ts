import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleDiscovery } from "./sample-discovery.ts";

interface Config {
  readonly path: string;
}

const options: OptionDescriptors<Config> = {
  path: { type: "path", doc: "A file with one address per line, `host` or `host:port`." },
};

export default {
  contract: "discovery@1",
  name: "sample",
  stability: "experimental",
  doc: "The members that a file names.",
  options,
  create: (config, host) => new SampleDiscovery(config, host),
} satisfies Plugin<"discovery@1", Config>;
