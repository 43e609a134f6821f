import type { Discovery, DiscoveryHost, Seed } from "../../../src/contract/index.ts";
import { seedList } from "../kit/seed-list.ts";
import { withDeadline } from "../kit/with-deadline.ts";

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/;

/** Finds who holds a session in the store that all members share. */
export class StoreDiscovery implements Discovery {
  readonly #host: DiscoveryHost;
  readonly #timeoutMs: number;

  constructor(config: { readonly timeout: number }, host: DiscoveryHost) {
    this.#host = host;
    this.#timeoutMs = config.timeout;
  }

  async find(signal: AbortSignal): Promise<readonly Seed[]> {
    const { clock } = this.#host;
    try {
      const rows = await withDeadline(clock, signal, this.#timeoutMs, () => this.#host.sessions());
      return seedList(rows.flatMap(({ nodeId, address }) => seedOf(nodeId, address)));
    } catch (cause) {
      const message = "the sessions of the statestore could not be read";
      throw this.#host.error("state.unavailable", message, "not_started", { cause });
    }
  }
}

function seedOf(nodeId: string, address: string): Seed[] {
  const found = ADDRESS.exec(address);
  const host = found?.[1] ?? found?.[2];
  return host === undefined ? [] : [{ host, port: Number(found?.[3]), nodeId }];
}
