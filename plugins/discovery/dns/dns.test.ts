import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Seed } from "../../../src/contract/index.ts";
import { discoverySuite, type SeedSource } from "../../../test/conformance/discovery.suite.ts";
import { discoveryHost } from "../../../test/conformance/support/discovery-host.ts";
import { DnsServer } from "../../../test/support/dns-server.ts";
import plugin from "./plugin.ts";

const live = new AbortController().signal;
const NAME = "troupe.example.org";
const SERVICE = "_peer._tcp.example.org";
const config = { name: NAME, records: "address", port: 0, servers: [], timeout: 5_000 } as const;

/** A name server whose name stands for the seeds, by addresses or by service records. */
class NamedSeeds implements SeedSource {
  readonly server: DnsServer;
  #before = 0;
  readonly #services: boolean;

  constructor(server: DnsServer, services: boolean) {
    this.server = server;
    this.#services = services;
  }

  hold(seeds: readonly Seed[]): void {
    if (!this.#services) {
      this.server.set(
        NAME,
        seeds.map(({ host }) => ({ type: "A", address: host })),
      );
      return;
    }
    this.server.set(
      SERVICE,
      seeds.map(({ host, port }) => ({ type: "SRV", priority: 1, weight: 1, port, target: host })),
    );
  }

  readonly away = {
    fail: () => {
      this.server.mode = "failure";
    },
    hang: () => {
      this.server.mode = "silent";
      this.#before = this.server.questions;
    },
    waiting: 0,
    mend: () => {
      this.server.mode = "answer";
    },
  };

  stop(): void {
    this.server.stop();
  }

  static async start(services: boolean): Promise<NamedSeeds> {
    const source = new NamedSeeds(await DnsServer.start(), services);
    Object.defineProperty(source.away, "waiting", {
      get: () => (source.server.mode === "silent" ? source.server.questions - source.#before : 0),
    });
    return source;
  }
}

discoverySuite({
  name: `${plugin.name} by address`,
  source: () => NamedSeeds.start(false),
  create: (host, source) => {
    const servers = [(source as NamedSeeds).server.address];
    return plugin.create({ ...config, servers }, host);
  },
  timeoutMs: config.timeout,
});

discoverySuite({
  name: `${plugin.name} by service record`,
  source: () => NamedSeeds.start(true),
  create: (host, source) => {
    const servers = [(source as NamedSeeds).server.address];
    return plugin.create({ ...config, name: SERVICE, records: "srv", servers }, host);
  },
  timeoutMs: config.timeout,
});

describe("names", () => {
  let server: DnsServer;
  beforeAll(async () => {
    server = await DnsServer.start();
  });
  afterAll(() => server.stop());

  const find = (changes: Partial<Parameters<typeof plugin.create>[0]> = {}) =>
    plugin.create({ ...config, servers: [server.address], ...changes }, discoveryHost()).find(live);

  test("addresses of both kinds are found, with the port that is configured", async () => {
    server.set(NAME, [
      { type: "A", address: "10.0.0.1" },
      { type: "AAAA", address: "fd00:0:0:0:0:0:0:1" },
      { type: "A", address: "10.0.0.1" },
    ]);
    expect(await find({ port: 9000 })).toEqual([
      { host: "10.0.0.1", port: 9000 },
      { host: "fd00::1", port: 9000 },
    ]);
    expect((await find())[0]).toEqual({ host: "10.0.0.1", port: 7702 });
  });

  test("a name that does not exist stands for nobody", async () => {
    expect(await find({ name: "absent.example.org" })).toEqual([]);
    expect(await find({ name: "absent.example.org", records: "srv" })).toEqual([]);
  });

  test("one kind that cannot be asked for does not hide the other, but is no absence", async () => {
    server.set(NAME, [{ type: "A", address: "10.0.0.1" }]);
    server.failing = "AAAA";
    expect(await find()).toHaveLength(1);
    server.set(NAME, []);
    await expect(find()).rejects.toMatchObject({ code: "routing.unreachable" });
    server.failing = undefined;
    expect(await find()).toEqual([]);
  });

  test("service records come in the order in which they are to be tried", async () => {
    const srv = (target: string, priority: number, weight: number) =>
      ({ type: "SRV", target, priority, weight, port: 7000 + priority }) as const;
    server.set(SERVICE, [
      srv("last.example.org", 20, 9),
      srv("light.example.org", 10, 1),
      srv("heavy.example.org", 10, 5),
    ]);
    const found = await find({ name: SERVICE, records: "srv" });
    expect(found).toEqual([
      { host: "heavy.example.org", port: 7010 },
      { host: "light.example.org", port: 7010 },
      { host: "last.example.org", port: 7020 },
    ]);
  });

  test("a root as target, which means that there is no service, is left out", async () => {
    server.set(SERVICE, [{ type: "SRV", target: "", priority: 0, weight: 0, port: 0 }]);
    expect(await find({ name: SERVICE, records: "srv" })).toEqual([]);
  });

  test("a failure of the name server is an error that names the name", async () => {
    server.set(NAME, [{ type: "A", address: "10.0.0.1" }]);
    server.mode = "failure";
    await expect(find()).rejects.toMatchObject({
      code: "routing.unreachable",
      message: expect.stringContaining(`the name ${NAME} could not be looked up`),
    });
    server.mode = "answer";
  });
});

test("a name server that is no address is refused", () => {
  const servers = ["dns.example.org"];
  expect(() => plugin.create({ ...config, servers }, discoveryHost())).toThrow("is no IP address");
});
