import { MOVES_PER_SECOND, Relocation } from "../../src/core/topology/relocation.ts";
import type {
  LocalActor,
  MoveOutcome,
  RelocationEffect,
  RelocationInput,
  RelocationTimer,
} from "../../src/core/topology/relocation-effects.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import type { Topology } from "../../src/domain/topology.ts";
import { madeMember, madeTopology } from "../support/made-topology.ts";
import { Words } from "./words.ts";

const DEMAND = { typePath: "test/order", requires: {} };
const actorOf = (key: string): ActorId => ({ system: "test", type: "order", key });

/** `a b:2`: members with their weights. */
function topologyOf(text: string, version: number): Topology {
  const members = text.split(",").map((each) => {
    const [nodeId = "", weight = "1"] = each.split(":");
    return madeMember(nodeId, { weight: Number(weight) });
  });
  return madeTopology(members, version);
}

/**
 * Drives the moves away from node `a` and prints its effects, one a line. Actors are called by their
 * keys; `k1..k9` names a row. Where each belongs is said by `owner`, and is `a` else.
 */
export class RelocationScenario {
  readonly #owners = new Map<string, string>();
  readonly #timers = new Map<RelocationTimer["kind"], number>();
  #topology = topologyOf("a,b", 1);
  #decision: "serve" | "partitioned" = "serve";
  #busy = false;
  #elsewhere: string | undefined;
  #nowMs = 0;
  #relocation = this.#made(new Words("new"));

  perform(command: string): readonly string[] {
    const words = new Words(command);
    const [first = ""] = words.plain;
    switch (words.verb) {
      case "new":
        this.#relocation = this.#made(words);
        return [];
      case "at":
        this.#nowMs = Number(first);
        return [];
      case "owner":
        for (const key of words.plain.flatMap(keysOf)) {
          this.#owners.set(key, words.text("is") ?? "");
        }
        return [];
      case "others":
        this.#elsewhere = first === "nobody" ? "" : first;
        return [];
      case "topology":
        this.#topology = topologyOf(first, this.#topology.version + 1);
        this.#decision = words.has("partitioned") ? "partitioned" : "serve";
        this.#busy = words.has("busy");
        return [];
      default: {
        const effects = this.#inputs(words).flatMap((input) => [
          ...this.#relocation.step(input, this.#nowMs),
        ]);
        return summed(effects.map((effect) => this.#print(effect)));
      }
    }
  }

  #made(words: Words): Relocation {
    const consent = words.has("consent")
      ? { timeoutMs: 500, retryMs: 2_000, maxDeferMs: 5_000 }
      : undefined;
    const scenario = { topology: () => this.#topology, decision: () => this.#decision };
    const busy = () => this.#busy;
    return new Relocation({
      self: "a",
      speaks: { min: 1, max: 2 },
      candidates: {
        moves: !words.has("decided-once"),
        owner: ({ key }) => this.#owners.get(key) || this.#elsewhere || undefined,
      },
      queue: {
        get topology() {
          return scenario.topology();
        },
        get decision() {
          const kind = scenario.decision();
          return kind === "serve" ? { kind } : { kind, reason: "too few" };
        },
        get busy() {
          return busy();
        },
      },
      perSecond: words.number("rate", MOVES_PER_SECOND),
      consent,
    });
  }

  #inputs(words: Words): readonly RelocationInput[] {
    const [first = ""] = words.plain;
    const actors = words.plain.flatMap(keysOf).map(actorOf);
    const locals = actors.map((actor): LocalActor => ({ actor, demand: DEMAND }));
    switch (words.verb) {
      case "rebalance": {
        const before = topologyOf(words.text("from") ?? "a", 1);
        const after = topologyOf(words.text("to") ?? "a,b", 2);
        return [{ kind: "rebalance", before, after, actors: locals }];
      }
      case "drain":
        return [{ kind: "drain", actors: locals, deadlineMs: words.number("deadline", 60_000) }];
      case "undrain":
        return [{ kind: "undrain" }];
      case "migrate": {
        const active = !words.has("absent");
        const to = words.text("to") ?? "";
        return [{ kind: "migrate", actor: actorOf(first), active, to, pin: words.has("pin") }];
      }
      case "timer": {
        const kind = first as RelocationTimer["kind"];
        const token = (this.#timers.get(kind) ?? 0) - (words.has("stale") ? 1 : 0);
        return [{ kind: "timer", timer: { kind, token } }];
      }
      case "agrees":
        return actors.map((actor) => ({ kind: "consent", actor, answer: "ready" }));
      case "defers":
        return actors.map((actor) => ({ kind: "consent", actor, answer: "defer" }));
      case "ready":
      case "ended":
        return actors.map((actor) => ({ kind: words.verb as "ready" | "ended", actor }));
      case "moved":
      case "refused":
      case "failed": {
        const outcome: MoveOutcome = words.verb;
        return actors.map((actor) => ({ kind: "moved", actor, outcome }));
      }
      default:
        throw new Error(`no command is called ${words.verb}`);
    }
  }

  #print(effect: RelocationEffect): string {
    switch (effect.kind) {
      case "schedule":
        this.#timers.set(effect.timer.kind, effect.timer.token);
        return `schedule ${effect.timer.kind} after ${effect.afterMs}`;
      case "ask":
      case "release":
        return `${effect.kind} ${effect.actor.key}`;
      case "move": {
        const forced = effect.forced === undefined ? "" : ` forced: ${effect.forced}`;
        return `move to ${effect.to}${forced}: ${effect.actor.key}`;
      }
      case "pin":
        return `pin to ${effect.to}: ${effect.actor.key}`;
      case "hook":
        return `hook ${effect.hook.name} ${JSON.stringify(effect.hook.payload)}`;
      case "refused":
        return `refused ${effect.what}: ${effect.reason}`;
      case "rebalanced":
        return `rebalanced: ${effect.moved} moved, ${effect.failed} failed`;
      case "drained":
        return `drained: ${effect.migrated} migrated, ${effect.forced} forced`;
    }
  }
}

/** `k2..k4` are `k2 k3 k4`. */
function keysOf(word: string): readonly string[] {
  const found = /^([a-z]+)(\d+)\.\.[a-z]+(\d+)$/.exec(word);
  if (found === null) return [word];
  const [from, to] = [Number(found[2]), Number(found[3])];
  return Array.from({ length: to - from + 1 }, (_, at) => `${found[1]}${from + at}`);
}

/** Rows of lines that differ in the actor alone, as one line. */
function summed(lines: readonly string[]): readonly string[] {
  const out: string[] = [];
  const count = new Map<string, number>();
  for (const line of lines) {
    const start = /^(?:move to .*:|ask|release) /.exec(line)?.[0];
    const last = out.at(-1);
    if (start === undefined || last?.startsWith(start) !== true) {
      out.push(line);
      continue;
    }
    const seen = (count.get(last) ?? 1) + 1;
    const first = last.slice(start.length).split(" ")[0] ?? "";
    const joined = `${start}${first} to ${line.slice(start.length)} (${seen})`;
    count.set(joined, seen);
    out[out.length - 1] = joined;
  }
  return out;
}
