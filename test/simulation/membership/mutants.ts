import { join } from "node:path";
import { readdirSync } from "node:fs";
import { runScenario } from "../../scenarios/scenario-file.ts";
import { SwimScenario } from "../../scenarios/swim-scenario.ts";
import { tempDir } from "../../support/temp-dir.ts";
import type { Patch } from "../engine.ts";
import { drawnScenario } from "./drawn-scenario.ts";
import { loadPatchedSwim, type SwimEngine } from "./engine.ts";
import { play } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** A known mistake, made on purpose; texts or simulation must find it. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
}

/** Who caught a mutant: the scenario texts that no longer hold, and the first simulations that failed. */
export interface Capture {
  readonly texts: readonly string[];
  readonly runs: readonly string[];
}

const TEXTS = join(import.meta.dir, "../../scenarios/swim");
/** Drawn runs that are made to catch one, after the scenarios. */
const DRAWN = 20;

const patch = (file: string, find: string, replace: string): readonly Patch[] => [
  { file: `src/core/swim/${file}.ts`, find, replace },
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "no timer token",
    patches: patch(
      "suspicions",
      "if (this.#bySubject.get(due.subject)?.token !== due.token) continue;",
      "if (!this.#bySubject.has(due.subject)) continue;",
    ),
  },
  {
    name: "no buddy",
    patches: patch("prober", "if (view.rank(index) === SUSPECT) packet", "if (false) packet"),
  },
  {
    name: "no re-gossip of confirmations",
    patches: patch(
      "membership",
      "if (!this.#kernel.suspicions.confirm(index, from)) return;",
      "if (this.#kernel.suspicions.confirm(index, from) || true) return;",
    ),
  },
  {
    name: "an accuser counts as often as he speaks",
    patches: patch(
      "suspicions",
      "if (accusers.some(({ hi, lo }) => hi === from.hi && lo === from.lo)) return false;",
      "",
    ),
  },
  {
    name: ">= instead of > between incarnations",
    patches: patch(
      "membership",
      "if (reader.incarnation > view.incarnation(index)) return this.#renewed",
      "if (reader.incarnation >= view.incarnation(index)) return this.#renewed",
    ),
  },
  {
    name: ">= instead of > in the order of statements",
    patches: patch("member", "return said.rank > held.rank;", "return said.rank >= held.rank;"),
  },
  {
    name: "refute without max",
    patches: patch(
      "defence",
      "self.announce(Math.max(accused, self.incarnation) + 1);",
      "self.announce(self.incarnation + 1);",
    ),
  },
  {
    name: "incarnations wrap around",
    patches: patch(
      "defence",
      'else if (incarnation === MAX_INCARNATION) return this.#conflict("exhausted");\n',
      "",
    ),
  },
  {
    name: "left treated as dead",
    patches: patch(
      "membership",
      "    if (rank === LEFT) return false;\n    if (!isCompatible(reader))",
      "    if (!isCompatible(reader))",
    ),
  },
  {
    name: "no gossip to the dead",
    patches: patch(
      "gossip",
      "return sinceMs === undefined || nowMs - sinceMs < config.gossipToDeadMs;",
      "return sinceMs === undefined;",
    ),
  },
  {
    name: "no tombstone",
    patches: patch(
      "membership",
      "    tombstones.set(index, sinceMs);\n",
      "    tombstones.set(index, sinceMs - this.#kernel.config.tombstoneMs);\n    this.sweep(sinceMs);\n",
    ),
  },
  {
    name: "log instead of log10",
    patches: patch("timing", "Math.log10(Math.max(1, n))", "Math.log(Math.max(1, n))"),
  },
  {
    name: "retransmit off by one",
    patches: patch("broadcast-queue", "broadcast.sent >= limit", "broadcast.sent > limit"),
  },
  {
    name: "nack late",
    patches: patch("timing", "Math.floor(0.8 * budgetMs)", "probeIntervalMs"),
  },
  {
    name: "dead uncorroborated",
    patches: patch(
      "membership",
      "    if (rank === ALIVE || incarnation > view.incarnation(index)) {\n",
      "    if (rank === ALIVE) return this.#bury(nowMs, { ...said, rank: DEAD }, index);\n    if (incarnation > view.incarnation(index)) {\n",
    ),
  },
  {
    name: "a death believed of an incarnation that was refuted",
    patches: patch(
      "membership",
      "if (rank === ALIVE || incarnation > view.incarnation(index)) {",
      "if (rank === ALIVE) {",
    ),
  },
  {
    name: "health only for stalls",
    patches: patch("local-health", "return intervalMs * (this.#score + 1);", "return intervalMs;"),
  },
  {
    name: "missing nacks not counted",
    patches: patch(
      "prober",
      "health.change(relays.length === 0 ? 1 : missing);",
      "health.change(1);",
    ),
  },
  {
    name: "an ack from anybody",
    patches: patch("prober", "if (!isTarget && !isRelay) return false;", ""),
  },
  {
    name: "nobody is told directly",
    patches: patch(
      "membership",
      'if (time === "short" || random.below(this.size) < NOTICES) this',
      "if (false) this",
    ),
  },
  {
    name: "no reminder of an accusation that nobody confirms",
    patches: patch("membership", "isOwn ? remindMs : undefined", "undefined"),
  },
  {
    name: "the accuser does not hear the refutation first",
    patches: patch(
      "packet-handler",
      "if (defence.accused({ generation, incarnation, rank })) courier",
      "if (!defence.accused({ generation, incarnation, rank })) courier",
    ),
  },
  {
    name: "exchanges of views confirm suspicions",
    patches: patch("view-frames", "const from = rank === SUSPECT ? ", "const from = false ? "),
  },
  {
    name: "no refutation in the answer to the same view",
    patches: patch("view-frames", 'if (to === "any" || at < 0)', 'if (to === "any")'),
  },
  {
    name: "no word about contradictions in headers",
    patches: patch(
      "packet-handler",
      "sender !== NOBODY && !membership.heard(",
      "false && !membership.heard(",
    ),
  },
  {
    name: "no digest",
    patches: patch("anti-entropy", "if (digest === view.digest) {", "if (digest >= 0) {"),
  },
  {
    name: "no contact with the dead",
    patches: patch("contacts", "view.rank(index) === DEAD) absent.add", "false) absent.add"),
  },
  {
    name: "no contact with seeds",
    patches: patch(
      "contacts",
      "const absent = new Set(this.#seeds);",
      "const absent = new Set<string>();",
    ),
  },
  {
    name: "earlier generations are listened to",
    patches: patch("membership", "if (reader.generation < heldGeneration) return false;", ""),
  },
  {
    name: "a restart is told as an update",
    patches: patch(
      "membership",
      "if (view.isLive(index)) this.#bury(nowMs, { ...view.standing(index), rank: DEAD }, index);",
      "",
    ),
  },
];

/** Reads all scenario texts with an engine; answers those that say something else. */
export function readTexts(engine: SwimEngine): readonly string[] {
  const files = readdirSync(TEXTS).filter((name) => name.endsWith(".txt"));
  return files.filter((name) => {
    try {
      const scenario = new SwimScenario(engine.Swim);
      const { expected, actual } = runScenario(join(TEXTS, name), (command) =>
        scenario.perform(command),
      );
      return actual !== expected;
    } catch {
      return true;
    }
  });
}

/**
 * Lets texts and simulation look for a mutant; of the simulation the first run that fails is enough,
 * and `until caught` none is made where texts have found it.
 */
export async function hunt(
  mutant: Mutant,
  how: "in full" | "until caught" = "in full",
): Promise<Capture> {
  using folder = tempDir();
  const engine = await loadPatchedSwim(mutant.patches, folder.path);
  const texts = readTexts(engine);
  const isOver = how === "until caught" && texts.length > 0;
  return { texts, runs: isOver ? [] : simulated(engine) };
}

function simulated(engine: SwimEngine): readonly string[] {
  for (const scenario of SCENARIOS) {
    if (fails(() => play(scenario, { seed: 1, engine }))) return [scenario.name];
  }
  for (let seed = 1; seed <= DRAWN; seed += 1) {
    if (fails(() => play(drawnScenario(seed), { seed, engine }))) return [`seed ${seed}`];
  }
  return [];
}

function fails(run: () => ReturnType<typeof play>): boolean {
  try {
    return run().violations.length > 0;
  } catch {
    return true;
  }
}
