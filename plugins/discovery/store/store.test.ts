import { expect, test } from "bun:test";
import type { Seed, SessionAddress, Statestore } from "../../../src/contract/index.ts";
import { discoverySuite, type SeedSource } from "../../../test/conformance/discovery.suite.ts";
import { discoveryHost } from "../../../test/conformance/support/discovery-host.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import sqlite from "../../statestores/sqlite/plugin.ts";
import plugin from "./plugin.ts";

const live = new AbortController().signal;
const CACHE_BYTES = 1024 * 1024;

/** The table of sessions of a database; `fail` takes the database away. */
class Sessions implements SeedSource {
  readonly #folder = tempDir();
  #store: Statestore = this.#made();
  #ids: number[] = [];
  #hanging = false;
  waiting = 0;

  static async start(): Promise<Sessions> {
    const made = new Sessions();
    await made.#store.start?.(live);
    return made;
  }

  #made(): Statestore {
    const options = { path: "", mode: "exclusive", migrate: "auto", cache: CACHE_BYTES } as const;
    return sqlite.create(options, statestoreHost(this.#folder.path));
  }

  async hold(seeds: readonly Seed[]): Promise<void> {
    for (const id of this.#ids) await this.#store.sessions.close(id);
    this.#ids = [];
    for (const [nth, { host, port }] of seeds.entries()) {
      const row = await this.#store.sessions.open({
        nodeName: `node-${nth}`,
        bootId: "00",
        address: `${host}:${port}`,
        ttlMs: 60_000,
      });
      this.#ids.push(row.id);
    }
  }

  readonly host = {
    sessions: async (): Promise<readonly SessionAddress[]> => {
      if (this.#hanging) {
        this.waiting += 1;
        return new Promise<never>(() => undefined);
      }
      const rows = await this.#store.sessions.list();
      return rows
        .filter(({ state }) => state === "up")
        .map(({ nodeName, address }) => ({ nodeId: nodeName, address }));
    },
  };

  get away() {
    return {
      fail: async () => this.#store.stop?.(live),
      hang: () => {
        this.#hanging = true;
      },
      waiting: this.waiting,
      mend: async () => {
        if (!this.#hanging) {
          this.#store = this.#made();
          await this.#store.start?.(live);
        }
        this.#hanging = false;
        this.waiting = 0;
      },
    };
  }

  async stop(): Promise<void> {
    await this.#store.stop?.(live);
    this.#folder[Symbol.dispose]();
  }
}

discoverySuite({
  name: plugin.name,
  source: () => Sessions.start(),
  create: (host) => plugin.create({ timeout: 5_000 }, host),
  timeoutMs: 5_000,
});

test("the node ids are told, and an address that is none is passed over", async () => {
  const rows: readonly SessionAddress[] = [
    { nodeId: "a", address: "10.0.0.1:7702" },
    { nodeId: "b", address: "[fd00::1]:7702" },
    { nodeId: "c", address: "node-c.example.org:7703" },
    { nodeId: "d", address: "" },
    { nodeId: "e", address: "10.0.0.2" },
    { nodeId: "f", address: "10.0.0.3:99999" },
    { nodeId: "g", address: "a b:1" },
  ];
  const host = discoveryHost({ sessions: () => Promise.resolve(rows) });
  expect(await plugin.create({ timeout: 5_000 }, host).find(live)).toEqual([
    { nodeId: "a", host: "10.0.0.1", port: 7702 },
    { nodeId: "b", host: "fd00::1", port: 7702 },
    { nodeId: "c", host: "node-c.example.org", port: 7703 },
  ]);
});
