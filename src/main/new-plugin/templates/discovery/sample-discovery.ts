import { readFile } from "node:fs/promises";
import type { Discovery, DiscoveryHost, Seed } from "../../../../contract/index.ts";

const ADDRESS = /^([A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?$/;
const MOST_SEEDS = 10_000;
const HIGHEST_PORT = 65_535;

/** Finds who stands in a file, which is read for every search. */
export class SampleDiscovery implements Discovery {
  readonly #path: string;
  readonly #host: DiscoveryHost;

  constructor(config: { readonly path: string }, host: DiscoveryHost) {
    this.#path = config.path;
    this.#host = host;
  }

  async find(signal: AbortSignal): Promise<readonly Seed[]> {
    try {
      const text = await readFile(this.#path, { encoding: "utf8", signal });
      return this.#read(text);
    } catch (cause) {
      // A file that cannot be read is no empty file.
      const message = "the file of addresses could not be read";
      throw this.#host.error("routing.unreachable", message, "not_started", { cause });
    }
  }

  #read(text: string): readonly Seed[] {
    const found = new Map<string, Seed>();
    for (const line of text.split("\n")) {
      const [, host, digits] = ADDRESS.exec(line.trim()) ?? [];
      const port = digits === undefined ? this.#host.peerPort : Number(digits);
      if (host === undefined || port < 1 || port > HIGHEST_PORT) continue;
      if (found.size < MOST_SEEDS) found.set(`${host.toLowerCase()} ${port}`, { host, port });
    }
    return [...found.values()];
  }
}
