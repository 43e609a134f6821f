import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Seed } from "../../../src/contract/index.ts";
import { discoverySuite, type SeedSource } from "../../../test/conformance/discovery.suite.ts";
import { discoveryHost } from "../../../test/conformance/support/discovery-host.ts";
import { CertificateAuthority } from "../../../test/support/certificates.ts";
import { DnsServer } from "../../../test/support/dns-server.ts";
import { KubernetesApi, statusAnswer } from "../../../test/support/kubernetes-api.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import plugin from "./plugin.ts";

const live = new AbortController().signal;

/** The API server and the files that a pod finds. */
class Cluster implements SeedSource {
  readonly api: KubernetesApi;
  readonly #folder: ReturnType<typeof tempDir>;

  constructor(api: KubernetesApi, folder: ReturnType<typeof tempDir>) {
    this.api = api;
    this.#folder = folder;
    this.write("token", "first\n");
    this.write("namespace", "shop\n");
  }

  static async start(): Promise<Cluster> {
    const folder = tempDir();
    return new Cluster(await KubernetesApi.start(folder.path), folder);
  }

  hold(seeds: readonly Seed[]): void {
    // Three slices, whatever is in them: a list of several pages.
    const third = Math.ceil(seeds.length / 3);
    this.api.slices = [0, 1, 2].map((nth) =>
      seeds.slice(nth * third, (nth + 1) * third).map(({ host }) => ({ address: host })),
    );
  }

  get away() {
    const { api } = this;
    return {
      fail: () => {
        api.always = statusAnswer(503, "ServiceUnavailable", "etcd is away");
      },
      hang: () => {
        api.hanging = true;
      },
      waiting: api.waiting,
      mend: () => api.mend(),
    };
  }

  get path(): string {
    return this.#folder.path;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  config() {
    return {
      service: "troupe",
      namespace: "",
      lookup: "api",
      portName: "peer",
      apiServer: this.api.url,
      tokenFile: join(this.path, "token"),
      caFile: this.api.caFile,
      namespaceFile: join(this.path, "namespace"),
      clusterDomain: "cluster.local",
      servers: [] as string[],
      timeout: 5_000,
    } as const;
  }

  async stop(): Promise<void> {
    await this.api.stop();
    this.#folder[Symbol.dispose]();
  }
}

discoverySuite({
  name: plugin.name,
  source: () => Cluster.start(),
  create: (host, source) => plugin.create((source as Cluster).config(), host),
  timeoutMs: 5_000,
});

describe("the API server", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start();
  });
  afterAll(() => cluster.stop());
  beforeEach(() => {
    const { api } = cluster;
    api.mend();
    api.asked.length = 0;
    api.instead.length = 0;
    api.token = "first";
    api.port = { name: "peer", port: 7702 };
    cluster.write("token", "first\n");
    cluster.hold([]);
  });

  const find = (changes: Partial<ReturnType<Cluster["config"]>> = {}) =>
    plugin.create({ ...cluster.config(), ...changes }, discoveryHost()).find(live);

  test("is asked for the slices of the service, page after page, as the service account", async () => {
    cluster.api.slices = [
      [{ address: "10.2.0.1" }],
      [{ address: "10.2.0.2" }],
      [{ address: "fd00::1" }],
    ];
    expect(await find()).toEqual([
      { host: "10.2.0.1", port: 7702 },
      { host: "10.2.0.2", port: 7702 },
      { host: "fd00::1", port: 7702 },
    ]);
    const [first, second, third] = cluster.api.asked;
    expect(first?.url.pathname).toBe("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
    expect(first?.url.searchParams.get("labelSelector")).toBe("kubernetes.io/service-name=troupe");
    expect(first?.authorization).toBe("Bearer first");
    expect([second, third].map((each) => each?.url.searchParams.get("continue"))).toEqual([
      "1",
      "2",
    ]);
  });

  test("endpoints that are not ready count, and those that are ending do not", async () => {
    cluster.api.slices = [
      [
        { address: "10.2.0.1", ready: false },
        { address: "10.2.0.2", terminating: true },
        { address: "10.2.0.3" },
      ],
    ];
    expect((await find()).map(({ host }) => host)).toEqual(["10.2.0.1", "10.2.0.3"]);
  });

  test("the port is the one of the name, else that of this node's peers", async () => {
    cluster.api.slices = [[{ address: "10.2.0.1" }]];
    cluster.api.port = { name: "peer", port: 9100 };
    expect(await find()).toEqual([{ host: "10.2.0.1", port: 9100 }]);
    expect(await find({ portName: "gossip" } as never)).toEqual([{ host: "10.2.0.1", port: 7702 }]);
    cluster.api.port = undefined;
    expect(await find()).toEqual([{ host: "10.2.0.1", port: 7702 }]);
  });

  test("another namespace may be named", async () => {
    await find({ namespace: "other" } as never);
    expect(cluster.api.asked[0]?.url.pathname).toContain("/namespaces/other/");
  });

  test("a list whose rest is too old (410) is read from its beginning, once", async () => {
    cluster.api.slices = [[{ address: "10.2.0.1" }], [{ address: "10.2.0.2" }]];
    const expired = statusAnswer(410, "Expired", "The provided continue parameter is too old");
    const first = JSON.stringify({
      kind: "EndpointSliceList",
      metadata: { continue: "1" },
      items: [{ endpoints: [{ addresses: ["10.2.0.99"] }] }],
    });
    cluster.api.instead.push({ status: 200, body: first }, expired);
    expect((await find()).map(({ host }) => host)).toEqual(["10.2.0.1", "10.2.0.2"]);
    expect(cluster.api.asked).toHaveLength(4);
    cluster.api.instead.push(
      { status: 200, body: first },
      expired,
      { status: 200, body: first },
      expired,
    );
    await expect(find()).rejects.toMatchObject({
      code: "routing.unreachable",
      message: expect.stringContaining("answered with 410"),
    });
  });

  test("a token that was replaced meanwhile is read again (401)", async () => {
    cluster.api.slices = [[{ address: "10.2.0.1" }]];
    cluster.api.instead.push(statusAnswer(401, "Unauthorized", "Unauthorized"));
    expect(await find()).toHaveLength(1);
    cluster.api.token = "second";
    cluster.write("token", "second");
    expect(await find()).toHaveLength(1);
    expect(cluster.api.asked.at(-1)?.authorization).toBe("Bearer second");
  });

  test.each([
    [401, "Unauthorized"],
    [403, "Forbidden"],
  ])(
    "an account that is refused (%d) is told as such, without the token",
    async (status, reason) => {
      cluster.api.always = statusAnswer(status, reason, "no");
      const error = await find().catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "access.denied", outcome: "not_started" });
      expect(String(error)).toContain(`refused (${status})`);
      expect(String(error)).not.toContain("first");
    },
  );

  test.each([
    [{ status: 500, body: "{}" }, "answered with 500"],
    [{ status: 429, body: "{}" }, "answered with 429"],
    [{ status: 302, body: "", headers: { location: "https://127.0.0.1:1/" } }, "answered with 302"],
    [{ status: 200, body: "<html>" }, "something that is no JSON"],
    [{ status: 200, body: '{"kind":"PodList","items":[]}' }, "no list of EndpointSlices"],
    [{ status: 200, body: '{"kind":"EndpointSliceList"}' }, "no list of EndpointSlices"],
    [{ status: 200, body: " ".repeat(17 * 1024 * 1024) }, "the answer is too large"],
  ])("an answer that is none is an error: %#", async (answer, message) => {
    cluster.api.always = answer;
    await expect(find()).rejects.toMatchObject({
      code: "routing.unreachable",
      message: expect.stringContaining(message),
    });
  });

  test("a service without slices, or that is unknown, is nobody", async () => {
    cluster.api.slices = [];
    expect(await find()).toEqual([]);
    cluster.api.always = statusAnswer(404, "NotFound", "the server could not find the resource");
    expect(await find()).toEqual([]);
  });

  test("what is odd in a list is passed over", async () => {
    const items = [
      null,
      { endpoints: "many" },
      {
        endpoints: [null, { addresses: [7, "10.2.0.1", "no address"] }, { addresses: "10.2.0.9" }],
      },
      { endpoints: [{ addresses: ["10.2.0.2"] }], ports: [{ name: "peer", port: "7702" }, null] },
      { endpoints: [{ addresses: ["10.2.0.3"] }], ports: [{ name: "peer", port: 0 }] },
    ];
    cluster.api.always = {
      status: 200,
      body: JSON.stringify({ kind: "EndpointSliceList", items }),
    };
    expect((await find()).map(({ host }) => host)).toEqual(["10.2.0.1", "10.2.0.2"]);
  });

  test("a list that never ends is given up", async () => {
    const body = JSON.stringify({
      kind: "EndpointSliceList",
      metadata: { continue: "1" },
      items: [],
    });
    cluster.api.always = { status: 200, body };
    expect(await find()).toEqual([]);
    expect(cluster.api.asked).toHaveLength(40);
  });

  test("another authority, an absent token and a server that is away are errors", async () => {
    using folder = tempDir();
    const other = new CertificateAuthority(folder.path, "other");
    for (const changes of [
      { caFile: other.pair.cert },
      { tokenFile: join(folder.path, "absent") },
      { apiServer: "https://127.0.0.1:1" },
    ]) {
      const error = await find(changes as never).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "routing.unreachable", outcome: "not_started" });
    }
  });
});

describe("a headless service", () => {
  test("is looked up by its name", async () => {
    const server = await DnsServer.start();
    const cluster = await Cluster.start();
    server.set("troupe.shop.svc.cluster.local", [{ type: "A", address: "10.2.0.7" }]);
    const config = { ...cluster.config(), lookup: "dns" as const, servers: [server.address] };
    const discovery = plugin.create(config, discoveryHost());
    expect(await discovery.find(live)).toEqual([{ host: "10.2.0.7", port: 7702 }]);
    expect(cluster.api.asked).toEqual([]);
    server.mode = "failure";
    await expect(discovery.find(live)).rejects.toMatchObject({ code: "routing.unreachable" });
    server.stop();
    await cluster.stop();
  });
});

test.each([
  [{ service: "Troupe" }, "the service has no valid name"],
  [{ service: "a,b" }, "the service has no valid name"],
  [{ namespace: "../kube-system" }, "the namespace has no valid name"],
  [{ apiServer: "http://127.0.0.1" }, "asked by https alone"],
])("refuses %p", (changes, message) => {
  const config = {
    service: "troupe",
    namespace: "",
    lookup: "api",
    portName: "peer",
    apiServer: "https://kubernetes.default.svc",
    tokenFile: "token",
    caFile: "ca",
    namespaceFile: "namespace",
    clusterDomain: "cluster.local",
    servers: [],
    timeout: 5_000,
  } as const;
  expect(() => plugin.create({ ...config, ...changes }, discoveryHost())).toThrow(message);
});
