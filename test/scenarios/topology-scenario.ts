import { TOPOLOGY_DEFAULTS } from "../../src/core/topology/topology-options.ts";
import { TopologyQueue } from "../../src/core/topology/topology-queue.ts";
import type {
  FenceOutcome,
  TopologyEffect,
  TopologyInput,
  TopologyTimer,
} from "../../src/core/topology/topology-effects.ts";
import type { Member } from "../../src/domain/member.ts";
import type { Topology } from "../../src/domain/topology.ts";
import { Words } from "./words.ts";

function memberOf(nodeId: string, words: Words): Member {
  const boot = words.text("boot") ?? "1";
  const systems = words.text("systems");
  return {
    nodeId,
    bootId: `${nodeId}${boot}`,
    sessionId: words.has("without-session") ? undefined : words.number("session", 1),
    address: "",
    weight: words.number("weight", 1),
    tags: {},
    zone: "",
    draining: words.has("draining"),
    well: !words.has("unwell"),
    protocol: { min: 1, max: 1 },
    systems: systems === undefined ? undefined : words.list("systems"),
    types: new Set(words.list("types")),
  };
}

const list = (nodes: readonly string[]): string => (nodes.length === 0 ? "-" : nodes.join(","));

/** `a b? c+`: b is suspect, c has not settled. */
function shown({ version, members }: Topology): string {
  const each = members.map(({ member, suspect, settled }) => {
    return `${member.nodeId}${suspect ? "?" : ""}${settled ? "" : "+"}`;
  });
  return `v${version} ${each.join(" ")}`;
}

/** Drives the topology of one system, seen by `a`, and prints its effects, one a line. */
export class TopologyScenario {
  #queue = made(new Words("new"));
  #nowMs = 0;
  #asked = 0;
  #fence = 0;
  #moving = 0;
  readonly #timers = new Map<TopologyTimer["kind"], number>();

  perform(command: string): readonly string[] {
    const words = new Words(command);
    if (words.verb === "new") {
      this.#queue = made(words);
      return [];
    }
    if (words.verb === "at") {
      this.#nowMs = Number(words.plain[0]);
      return [];
    }
    if (words.verb === "busy") return [String(this.#queue.busy)];
    const effects = this.#queue.step(this.#input(words), this.#nowMs);
    return effects.map((effect) => this.#print(effect));
  }

  #input(words: Words): TopologyInput {
    const [nodeId = ""] = words.plain;
    const aliveForMs = words.number("age", 0);
    const store = { up: true, down: false }[words.text("store") ?? nodeId];
    switch (words.verb) {
      case "start": {
        const present = words.plain.map((each) => ({ member: memberOf(each, words), aliveForMs }));
        return { kind: "start", present, storeReachable: store };
      }
      case "up":
        return { kind: "up", member: memberOf(nodeId, words), aliveForMs };
      case "changed":
        return { kind: "changed", member: memberOf(nodeId, words) };
      case "suspect":
      case "cleared":
      case "dead":
      case "left":
        return { kind: words.verb, nodeId };
      case "store":
        return { kind: "store", storeReachable: store };
      case "reconsider":
        return { kind: "reconsider" };
      default:
        return this.#answer(words, nodeId);
    }
  }

  #answer(words: Words, first: string): TopologyInput {
    const stale = words.has("stale") ? -1 : 0;
    switch (words.verb) {
      case "serve":
        return { kind: "decided", token: this.#asked + stale, decision: { kind: "serve" } };
      case "partition": {
        const decision = { kind: "partitioned", reason: "too few" } as const;
        return { kind: "decided", token: this.#asked + stale, decision };
      }
      case "fenced":
      case "held":
      case "failed": {
        const outcome: FenceOutcome = words.verb;
        return { kind: "fenced", token: this.#fence + stale, nodeId: first, outcome };
      }
      case "redistributed":
        return { kind: "redistributed", token: this.#moving + stale };
      case "timer": {
        const kind = first as TopologyTimer["kind"];
        return { kind: "timer", timer: { kind, token: (this.#timers.get(kind) ?? 0) + stale } };
      }
      default:
        throw new Error(`no command is called ${words.verb}`);
    }
  }

  #print(effect: TopologyEffect): string {
    switch (effect.kind) {
      case "schedule":
        this.#timers.set(effect.timer.kind, effect.timer.token);
        return `schedule ${effect.timer.kind} after ${effect.afterMs}`;
      case "topology":
        return `topology ${shown(effect.topology)}`;
      case "evaluate": {
        this.#asked = effect.token;
        const { alive, known, up, down, left, storeReachable, previous } = effect.view;
        const store = storeReachable === undefined ? "none" : storeReachable ? "up" : "down";
        return (
          `evaluate alive ${list(alive)} known ${list(known)} up ${list(up)} down ${list(down)} ` +
          `left ${list(left)} store ${store} before ${previous?.kind ?? "-"}`
        );
      }
      case "stop":
        return `stop: ${effect.reason}`;
      case "fence":
        this.#fence = effect.token;
        return `fence ${effect.member.nodeId} session ${effect.member.sessionId ?? "-"}`;
      case "redistribute": {
        this.#moving = effect.token;
        const { before, after, gone, joined, changed, unfenced } = effect.change;
        const went = gone.map(({ member, how }) => `${member.bootId}(${how})`);
        return (
          `redistribute v${before.version}..v${after.version} gone ${list(went)} ` +
          `joined ${list(joined)} changed ${list(changed)} unfenced ${list(unfenced)}`
        );
      }
      case "purge":
        return `purge ${effect.bootId}`;
      case "sync":
        return `sync ${effect.nodeId}`;
      case "hook":
        return `hook ${effect.hook.name} ${JSON.stringify(effect.hook.payload)}`;
      case "serve":
        return "serve";
    }
  }
}

function made(words: Words): TopologyQueue {
  return new TopologyQueue({
    ...TOPOLOGY_DEFAULTS,
    system: "shop",
    self: memberOf("a", new Words("a")),
    rebalanceOnJoin: !words.has("no-rebalance"),
    forgetMs: words.number("forget", TOPOLOGY_DEFAULTS.forgetMs),
  });
}
