import { describe, expect, test } from "bun:test";
import { freePort } from "../../test/support/free-port.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { ACTOR_PROFILE } from "../core/swim/swim-config.ts";
import { systemClock } from "../platform/clock.ts";
import { bindDatagrams } from "../platform/peer/datagrams.ts";
import { frameSockets } from "../platform/peer/frame-sockets.ts";
import { EnvelopeGossipSeal } from "../platform/peer/gossip-seal.ts";
import { systemRandom } from "../platform/random.ts";
import { MembershipDriver } from "./membership-driver.ts";
import type { FrameListener, Logger } from "./ports.ts";

const KEY = new Uint8Array(32).fill(7);
const silent = (): void => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const FAST = {
  ...ACTOR_PROFILE,
  probeIntervalMs: 100,
  probeTimeoutMs: 30,
  suspicionMult: 3,
  suspicionMaxMult: 2,
  gossipIntervalMs: 20,
  leaveTimeoutMs: 500,
  leaveLingerMs: 50,
};

class Member implements AsyncDisposable {
  readonly driver: MembershipDriver;
  readonly events: string[] = [];
  readonly drops: string[] = [];
  readonly address: string;
  readonly #listener: FrameListener;

  private constructor(name: string, port: number, key: Uint8Array, listener: FrameListener) {
    this.#listener = listener;
    this.address = `127.0.0.1:${port}`;
    const bootId = Buffer.from(systemRandom.bytes(8)).toString("hex");
    this.driver = new MembershipDriver({
      config: FAST,
      local: { name, address: this.address, bootId, generation: 1, meta: new Uint8Array(0) },
      seal: new EnvelopeGossipSeal({
        cluster: "c",
        bootId,
        keys: [key],
        wallMs: () => systemClock.wallMs(),
      }),
      bind: bindDatagrams,
      sockets: frameSockets,
      tls: () => undefined,
      clock: systemClock,
      random: systemRandom,
      log,
      observer: { packet: silent, dropped: (reason) => void this.drops.push(reason) },
      event: (event) => {
        if ("member" in event) this.events.push(`${event.kind} ${event.member.name}`);
      },
    });
  }

  static async start(name: string, seeds: readonly string[], key = KEY): Promise<Member> {
    const port = await freePort();
    let member: Member | undefined;
    const limits = { maxFrameBytes: 1 << 20, highWaterBytes: 1 << 20, connectTimeoutMs: 1_000 };
    const listener = await frameSockets.listen(
      { host: "127.0.0.1", port, limits, maxConnections: 10 },
      (link) => {
        link.onFrame((frame) => {
          const answer = member?.driver.request(frame);
          if (answer !== undefined) link.send(answer);
          link.close();
        });
      },
    );
    member = new Member(name, port, key, listener);
    await member.driver.start("127.0.0.1", port, seeds);
    return member;
  }

  get names(): string[] {
    return this.driver.members.map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.driver.stop();
    await this.#listener.close();
  }
}

describe("members over real sockets", () => {
  test("find each other by one seed, notice a death, and a farewell at once", async () => {
    await using a = await Member.start("a", []);
    await using b = await Member.start("b", [a.address]);
    await using c = await Member.start("c", [a.address]);
    for (const one of [a, b, c]) {
      await waitUntil("all are known", () => one.names.join() === "a,b,c");
    }
    c.driver.stop();
    for (const one of [a, b]) {
      await waitUntil("the death is known", () => one.events.includes("dead c"));
      expect(one.events).toContain("suspect c");
      expect(one.names).toEqual(["a", "b"]);
    }
    await b.driver.leave();
    await waitUntil("the farewell is known", () => a.events.includes("left b"));
    expect(a.names).toEqual(["a"]);
  });

  test("one with another key stays outside, and is counted", async () => {
    await using a = await Member.start("a", []);
    await using b = await Member.start("b", [a.address]);
    await waitUntil("both are known", () => a.names.join() === "a,b");
    await using x = await Member.start("x", [a.address], new Uint8Array(32).fill(8));
    await waitUntil("it is noticed", () => a.drops.includes("auth"));
    expect(x.names).toEqual(["x"]);
    expect(a.names).toEqual(["a", "b"]);
    expect(b.names).toEqual(["a", "b"]);
  });

  test("a node alone leaves at once", async () => {
    await using a = await Member.start("a", []);
    await a.driver.leave();
    expect(a.driver.members.length).toBeLessThanOrEqual(1);
  });
});
