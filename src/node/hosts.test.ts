import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../test/conformance/support/virtual-clock.ts";
import { madeInvocation } from "../../test/support/made-call.ts";
import type { ActorTypeSpec } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../domain/turn.ts";
import type { HostLink } from "./host-port.ts";
import { Hosts } from "./hosts.ts";
import type { Logger } from "./ports.ts";

const silent = (): void => undefined;
const LOG: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => LOG };

const SPEC: ActorTypeSpec = {
  system: "default",
  type: "thing",
  kind: "unnamed",
  stateful: true,
  durability: "commit",
  actions: [],
  openActions: true,
  deactivationTimeoutMs: 1_000,
  reentrant: false,
  reads: "fenced",
  history: { kind: "none" },
  stateType: "",
  mailboxCalls: 10,
  mailboxBytes: 10_000,
};
const PATH = "default/thing";

/** A host on the other side of nowhere: it keeps what it is handed. */
class FarHost implements HostLink {
  readonly name = "far";
  readonly sdk = "test";
  readonly kind = "attach";
  readonly weight = 1;
  readonly identity;
  readonly got: number[] = [];
  readonly canceled: number[] = [];
  readonly id: string;

  constructor(id: string, owner = "one") {
    this.id = id;
    this.identity = { kind: "host", id: owner, roles: [] } as const;
  }

  execute(invocation: HostInvocation): void {
    this.got.push(invocation.id);
  }

  cancel(invocationId: number): void {
    this.canceled.push(invocationId);
  }

  drain(): void {
    this.canceled.push(-1);
  }

  close(): void {
    this.canceled.push(-2);
  }
}

class Bench {
  readonly clock = new VirtualClock();
  readonly heard: string[] = [];
  readonly hosts: Hosts;
  readonly respecified: string[] = [];
  readonly refused = new Map<string, ServerError>();
  draining = false;
  choice = 0;

  constructor() {
    this.hosts = new Hosts({
      balancer: { choose: () => this.choice },
      clock: Object.assign(this.clock, { defer: queueMicrotask }),
      log: LOG,
      turnTimeoutMs: 5_000,
      defaults: { deactivationTimeoutMs: 7_000, mailboxCalls: 8, mailboxBytes: 9_000 },
      remember: silent,
      servedChanged: silent,
      respecified: (typePath) => void this.respecified.push(typePath),
      mayServe: (_link, typePath) => this.refused.get(typePath),
      draining: () => this.draining,
      events: { hostAttached: silent, hostLost: silent },
      secret: () => `secret-${this.heard.length}`,
    });
  }

  /** Hands over an invocation of `turns` calls. */
  execute(id: number, turns = 1, type = "thing"): void {
    const calls = Array.from({ length: turns }, (_, i) => ({
      turnId: id * 100 + i,
      invocation: madeInvocation(),
      attempt: 1,
    }));
    const invocation: HostInvocation = {
      id,
      actor: { system: "default", type, key: "k" },
      state: undefined,
      revision: 0,
      epoch: 1,
      tags: EMPTY_MAP,
      turns: calls,
      keepStates: false,
    };
    this.hosts.execute(`default/${type}`, invocation, {
      executed: (result) => this.heard.push(`executed ${result.id}`),
      notExecuted: (which, { code, outcome, details }) =>
        this.heard.push(`not ${which} ${code} ${outcome} ${details.reason ?? ""}`.trim()),
    });
  }
}

function result(id: number): HostResult {
  return { id, outcomes: [], state: EMPTY_PAYLOAD, tags: undefined, failure: undefined };
}

function refusal(attempt: () => void): string {
  try {
    attempt();
    return "accepted";
  } catch (error) {
    const { code, details } = error as ServerError;
    return `${code} ${details.reason}`;
  }
}

describe("the hosts of a node", () => {
  test("take no more turns than they gave credit for; the rest waits its turn", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 2);
    for (const id of [1, 2, 3, 4]) bench.execute(id);
    expect(far.got).toEqual([1, 2]);
    bench.hosts.results(far, [result(1)]);
    expect(far.got).toEqual([1, 2]);
    bench.hosts.credit(far, 1);
    expect(far.got).toEqual([1, 2, 3]);
    bench.hosts.credit(far, 5);
    expect(far.got).toEqual([1, 2, 3, 4]);
    expect(bench.heard).toEqual(["executed 1"]);
  });

  test("answer an invocation once, whatever a host sends", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    const other = new FarHost("b");
    bench.hosts.attach(far, [SPEC], 10);
    bench.hosts.attach(other, [SPEC], 10);
    bench.execute(1);
    bench.hosts.results(other, [result(1)]);
    bench.hosts.results(far, [result(7), result(1), result(1)]);
    bench.hosts.results(far, [result(1)]);
    bench.hosts.lost(far, "gone");
    bench.hosts.results(far, [result(1)]);
    expect(bench.heard).toEqual(["executed 1"]);
  });

  test("are chosen by the balancer among those with room", () => {
    const bench = new Bench();
    const [a, b] = [new FarHost("a"), new FarHost("b")];
    bench.hosts.attach(a, [SPEC], 1);
    bench.hosts.attach(b, [SPEC], 2);
    bench.choice = 1;
    bench.execute(1);
    bench.execute(2);
    bench.execute(3);
    bench.execute(4);
    expect([a.got, b.got]).toEqual([[3], [1, 2]]);
    bench.choice = 99;
    bench.hosts.credit(b, 1);
    expect(b.got).toEqual([1, 2, 4]);
  });

  test("that are lost fail what they ran, and what nobody else can run", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 1);
    bench.execute(1);
    bench.execute(2);
    bench.hosts.lost(far, "reset");
    bench.hosts.lost(far, "reset");
    bench.execute(3);
    expect(bench.heard).toEqual([
      "not 1 host.unavailable not_applied HOST_LOST",
      "not 2 host.unavailable not_started HOST_ABSENT",
      "not 3 host.unavailable not_started HOST_ABSENT",
    ]);
  });

  test("that drain get nothing new, and their waiting turns go to another", () => {
    const bench = new Bench();
    const [a, b] = [new FarHost("a"), new FarHost("b")];
    bench.hosts.attach(a, [SPEC], 1);
    bench.execute(1);
    bench.execute(2);
    bench.hosts.draining(a);
    expect(bench.heard).toEqual(["not 2 host.unavailable not_started HOST_ABSENT"]);
    bench.hosts.attach(b, [SPEC], 1);
    bench.execute(3);
    bench.hosts.results(a, [result(1)]);
    expect([a.got, b.got]).toEqual([[1], [3]]);
  });

  test("that do not answer in time are taken to have failed the turn, and are told", async () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 10);
    bench.execute(1);
    await bench.clock.advance(4_000);
    expect(bench.heard).toEqual([]);
    await bench.clock.advance(2_000);
    expect(bench.heard).toEqual(["not 1 host.unavailable not_applied HOST_TIMEOUT"]);
    expect(far.canceled).toEqual([1]);
    bench.hosts.results(far, [result(1)]);
    expect(bench.heard).toHaveLength(1);
  });

  test("hear of a call that nobody waits for if they run it, and never get it if it waits", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 1);
    bench.execute(1);
    bench.execute(2);
    bench.execute(3);
    bench.hosts.cancel(1);
    bench.hosts.cancel(2);
    expect(far.canceled).toEqual([1]);
    bench.hosts.credit(far, 5);
    expect(far.got).toEqual([1, 3]);
    bench.hosts.results(far, [result(1)]);
    expect(bench.heard).toEqual(["not 2 call.canceled not_applied", "executed 1"]);
  });

  test("serve what the policy lets them, and nothing of a registration that it refuses", () => {
    const bench = new Bench();
    const denied = new ServerError("access.denied", "no", "not_started");
    bench.refused.set("default/thing", denied);
    expect(() => bench.hosts.attach(new FarHost("a"), [SPEC], 1)).toThrow(denied);
    expect(bench.hosts.summaries()).toEqual([]);
    bench.refused.clear();
    bench.hosts.attach(new FarHost("b"), [SPEC], 1);
    expect(bench.hosts.hasHost("default/thing")).toBe(true);
  });

  test("belong to one identity for each type, and must ask for what there is", () => {
    const bench = new Bench();
    const first = new FarHost("a");
    bench.hosts.attach(first, [SPEC], 1);
    const attach = (host: FarHost, spec: ActorTypeSpec) =>
      refusal(() => bench.hosts.attach(host, [spec], 1));
    expect(attach(new FarHost("b", "two"), SPEC)).toBe("access.denied KIND_OWNED");
    expect(attach(new FarHost("c"), { ...SPEC, durability: "snapshot" })).toBe(
      "plugin.unsupported TYPE_UNSUPPORTED",
    );
    expect(attach(new FarHost("d"), { ...SPEC, mailboxBytes: 1 })).toBe(
      "request.invalid TYPE_SETTINGS",
    );
    expect(attach(new FarHost("d"), { ...SPEC, system: "troupe-internal" })).toBe(
      "request.invalid SYSTEM_RESERVED",
    );
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ...SPEC, type: `t${i}` }));
    expect(refusal(() => bench.hosts.attach(new FarHost("d"), many, 1))).toBe(
      "quota.exceeded TYPES",
    );
    bench.hosts.lost(first, "restarting");
    expect(attach(new FarHost("b", "two"), SPEC)).toBe("access.denied KIND_OWNED");
    expect(attach(new FarHost("a"), SPEC)).toBe("accepted");
    bench.draining = true;
    expect(attach(new FarHost("e"), SPEC)).toBe("node.draining DRAINING");
  });

  test("tell of settings that have changed, and fill in what a host leaves to the server", () => {
    const bench = new Bench();
    bench.hosts.attach(new FarHost("a"), [SPEC], 1);
    bench.hosts.attach(new FarHost("b"), [SPEC], 1);
    expect(bench.respecified).toEqual([]);
    const plain = { ...SPEC, deactivationTimeoutMs: 0, mailboxCalls: 0, mailboxBytes: 0 };
    bench.hosts.attach(new FarHost("c"), [plain], 1);
    expect(bench.respecified).toEqual([PATH]);
    const filled = { deactivationTimeoutMs: 7_000, mailboxCalls: 8, mailboxBytes: 9_000 };
    expect(bench.hosts.spec(PATH)).toMatchObject(filled);
    bench.hosts.recall([{ ...plain, type: "old" }]);
    expect(bench.hosts.spec("default/old")).toMatchObject(filled);
  });

  test("serve types in turn: many turns at once are not overtaken for ever, nor do they overtake", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [{ ...SPEC, type: "other" }, SPEC], 4);
    for (const id of [1, 2, 3, 4]) bench.execute(id, 1, "other");
    bench.execute(10, 3);
    for (const id of [5, 6]) bench.execute(id, 1, "other");
    bench.execute(11);
    for (const id of [1, 2]) {
      bench.hosts.results(far, [result(id)]);
      bench.hosts.credit(far, 1);
    }
    expect(far.got).toEqual([1, 2, 3, 4]);
    bench.hosts.credit(far, 1);
    expect(far.got).toEqual([1, 2, 3, 4, 10]);
    bench.hosts.credit(far, 3);
    expect(far.got).toEqual([1, 2, 3, 4, 10, 5, 11, 6]);
  });

  test("take many turns at once if nothing that runs would bring their credit back", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 4);
    bench.execute(1);
    bench.hosts.results(far, [result(1)]);
    bench.execute(2, 4);
    expect(far.got).toEqual([1, 2]);
  });

  test("let no invocation carry more turns than any of them takes at once", () => {
    const bench = new Bench();
    expect(bench.hosts.chainLimit(PATH, 64)).toBe(64);
    bench.hosts.attach(new FarHost("a"), [SPEC], 100);
    bench.hosts.attach(new FarHost("b"), [SPEC], 3);
    expect(bench.hosts.chainLimit(PATH, 64)).toBe(3);
  });

  test("know the turn of a token while it runs, and of that host alone", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 10);
    bench.execute(1);
    const token = bench.hosts.token(far, 100);
    expect(bench.hosts.turn(token)?.actorPath).toBe("default/thing/k");
    expect(bench.hosts.turn("other.100")).toBeUndefined();
    expect(bench.hosts.turn(`${token}1`)).toBeUndefined();
    bench.hosts.results(far, [result(1)]);
    expect(bench.hosts.turn(token)).toBeUndefined();
  });

  test("need no timer once all are closed", () => {
    const bench = new Bench();
    const far = new FarHost("a");
    bench.hosts.attach(far, [SPEC], 1);
    expect(bench.clock.pending).toBe(1);
    bench.hosts.closeAll("stop");
    expect(far.canceled).toEqual([-2]);
    expect(bench.clock.pending).toBe(0);
  });
});
