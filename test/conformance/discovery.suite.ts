import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Discovery, DiscoveryHost, Seed } from "../../src/contract/index.ts";
import { waitUntil } from "../support/wait-until.ts";
import { discoveryHost, type DiscoveryHostOptions } from "./support/discovery-host.ts";

/** A source of seeds that a suite steers: a real server, file or table. */
export interface SeedSource {
  /** From now on exactly these can be found, by the addresses given. */
  hold(seeds: readonly Seed[]): void | Promise<void>;
  /** From now on the source is there or not; absent for a source that is near. */
  readonly away?: {
    /** It refuses, or answers with an error. */
    fail(): void | Promise<unknown>;
    /** It takes questions and never answers. */
    hang(): void;
    /** Questions that wait for their answer. */
    readonly waiting: number;
    mend(): void | Promise<void>;
  };
  /** What the discovery's host has of it. */
  readonly host?: Pick<DiscoveryHostOptions, "seeds" | "sessions">;
  stop(): void | Promise<void>;
}

/** What the suite needs of a discovery. */
export interface DiscoverySuiteOptions {
  readonly name: string;
  readonly source: () => Promise<SeedSource> | SeedSource;
  readonly create: (host: DiscoveryHost, source: SeedSource) => Discovery;
  /** Port of every seed, for sources that know addresses alone. */
  readonly port?: number;
  /** The source is read when the component is made, and never changes. */
  readonly fixed?: boolean;
  /** The source is always there, and answers at once. */
  readonly near?: boolean;
  /** Longest time to wait by the host's clock; 0 for a source that is near. */
  readonly timeoutMs: number;
}

const live = new AbortController().signal;
const CODES = ["routing.unreachable", "state.unavailable", "access.denied"];

function seeds(count: number, port: number): Seed[] {
  return Array.from({ length: count }, (_, at) => ({
    host: `10.1.${Math.floor(at / 250)}.${1 + (at % 250)}`,
    port,
  }));
}

function addresses(found: readonly Seed[]): string[] {
  return found.map(({ host, port }) => `${host} ${port}`).sort();
}

/** Everything that a discovery promises, whatever its source. */
export function discoverySuite(options: DiscoverySuiteOptions): void {
  const port = options.port ?? 7702;

  describe(`discovery ${options.name}`, () => {
    let source: SeedSource;
    const create = () => {
      const host = discoveryHost(source.host ?? {});
      return { host, discovery: options.create(host, source) };
    };

    beforeAll(async () => {
      source = await options.source();
    });
    afterAll(() => source.stop());

    test("finds who is there, each once", async () => {
      await source.hold(seeds(3, port));
      const found = await create().discovery.find(live);
      expect(addresses(found)).toEqual(addresses(seeds(3, port)));
    });

    test("finds nobody where nobody is, which is no error", async () => {
      await source.hold([]);
      expect(await create().discovery.find(live)).toEqual([]);
    });

    test("finds many", async () => {
      await source.hold(seeds(20, port));
      expect(addresses(await create().discovery.find(live))).toEqual(addresses(seeds(20, port)));
    });

    if (options.fixed !== true) {
      test("finds anew each time", async () => {
        const { discovery } = create();
        await source.hold(seeds(1, port));
        expect(await discovery.find(live)).toHaveLength(1);
        await source.hold(seeds(4, port));
        expect(await discovery.find(live)).toHaveLength(4);
        await source.hold([]);
        expect(await discovery.find(live)).toHaveLength(0);
      });
    }

    test("stops without having been started, and twice", async () => {
      const { discovery } = create();
      await discovery.stop?.(live);
      await discovery.stop?.(live);
      expect(discovery.find).toBeFunction();
    });

    if (options.near !== true) unreachable(options, () => ({ source, ...create() }));
  });
}

function unreachable(
  { timeoutMs }: DiscoverySuiteOptions,
  made: () => {
    readonly source: SeedSource;
    readonly host: ReturnType<typeof discoveryHost>;
    readonly discovery: Discovery;
  },
): void {
  test("a source that cannot be asked is an error and no empty answer, until it can", async () => {
    const { source, discovery } = made();
    await source.hold(seeds(1, 7702));
    await source.away?.fail();
    const outcome = await discovery.find(live).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ outcome: "not_started" });
    expect(CODES).toContain((outcome as { code: string }).code);
    await source.away?.mend();
    expect(await discovery.find(live)).toHaveLength(1);
  });

  test("a source that does not answer is given up after the time-out", async () => {
    const { source, host, discovery } = made();
    await source.hold(seeds(1, 7702));
    source.away?.hang();
    const searching = discovery.find(live).catch((error: unknown) => error);
    await waitUntil("a question", () => (source.away?.waiting ?? 0) > 0);
    await host.clock.advance(timeoutMs);
    expect(await searching).toMatchObject({ outcome: "not_started" });
    expect(host.clock.pending).toBe(0);
    await source.away?.mend();
  });

  test("a search that is taken back ends at once", async () => {
    const { source, host, discovery } = made();
    await source.hold(seeds(1, 7702));
    source.away?.hang();
    const controller = new AbortController();
    const searching = discovery.find(controller.signal).catch((error: unknown) => error);
    await waitUntil("a question", () => (source.away?.waiting ?? 0) > 0);
    controller.abort();
    expect(await searching).toMatchObject({ outcome: "not_started" });
    const late = await discovery.find(controller.signal).catch((error: unknown) => error);
    expect(late).toMatchObject({ outcome: "not_started" });
    expect(host.clock.pending).toBe(0);
    await source.away?.mend();
  });
}
