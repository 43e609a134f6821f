import type { Statestore } from "../../src/contract/index.ts";
import { tempDir } from "../support/temp-dir.ts";
import { loadPatched, type Patch } from "./engine.ts";
import { splitDedup } from "./split-dedup-store.ts";
import type { CheckerName } from "./violation.ts";
import { simulate } from "./world.ts";

/** A known mistake, made on purpose; the simulation must find it. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly wrapStore?: (store: Statestore) => Statestore;
}

/** How a mutant fared: the first seed that caught it and the checkers that did, if any. */
export interface Capture {
  readonly seed: number | undefined;
  readonly checkers: readonly CheckerName[];
}

const COMMIT = "plugins/statestores/memory/memory-commit.ts";
const STORE = "plugins/statestores/memory/memory-statestore.ts";
const ACTIVATION = "src/core/activation/activation.ts";
const GATE = "src/core/activation/output-gate.ts";
const TURNS = "src/core/activation/turn-queue.ts";
const CLAIMS = "src/node/claims.ts";
const TABLE = "src/node/activation-table.ts";

const FENCE = "if (!up || row?.owner !== sessionId || row.epoch !== commit.epoch) return";
const CONFLICT = 'if (row.revision !== commit.baseRevision) return "conflict";';
const RESOLVED = "    if (applied === true) this.#commit(batch);\n    else {";

const patch = (file: string, find: string, replace: string): readonly Patch[] => [
  { file, find, replace },
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "no fence",
    patches: patch(STORE, FENCE, "if (row === undefined) return"),
  },
  {
    name: "lease only",
    patches: patch(STORE, FENCE, "if (!up || row === undefined) return"),
  },
  {
    name: "epoch not compared",
    patches: patch(STORE, FENCE, "if (!up || row?.owner !== sessionId) return"),
  },
  {
    name: "late write of a zombie taken",
    patches: patch(STORE, FENCE, "if (row === undefined || row.epoch > commit.epoch + 1) return"),
  },
  {
    name: "revision not compared",
    patches: patch(STORE, CONFLICT, ""),
  },
  {
    name: "ack before commit",
    patches: patch(
      GATE,
      "    if (!batch.empty) return this.#stage();\n    this.#next = undefined;",
      "    for (const answer of batch.answers) this.#answers.give(answer);\n" +
        "    if (!batch.empty) return this.#stage();\n    this.#next = undefined;",
    ),
  },
  { name: "dedup outside the transaction", patches: [], wrapStore: splitDedup },
  {
    name: "no dedup",
    patches: patch(TURNS, '"" && !call.checked && this.window.mayHold(requestId)', '"" && false'),
  },
  {
    name: "failed look-up taken for no record",
    patches: patch(
      TURNS,
      "    this.#lookups -= 1;\n    this.#answers.reject(call, error);",
      "    this.#lookups -= 1;\n    if (call.phase === 'done') return;\n" +
        "    call.checked = true;\n    call.phase = 'queued';\n" +
        "    this.#mailbox.putBack(call);",
    ),
  },
  {
    name: "digest of a repeated id not compared",
    patches: patch(
      TURNS,
      "} else if (sameDigest(found.digest, call.digest)) {",
      "} else if (true) {",
    ),
  },
  {
    name: "empty state on load error",
    patches: patch(
      CLAIMS,
      "      this.release(slot, result.epoch);\n",
      "      if (result.kind === 'claimed')\n" +
        "        return { kind: 'claimed', claimed: { ...result, state: undefined } };\n",
    ),
  },
  {
    name: "blind retry after an ambiguous commit",
    patches: patch(
      ACTIVATION,
      RESOLVED,
      `    for (const answer of batch.answers) {
      if (answer.call.phase === "done") continue;
      answer.call.phase = "queued";
      answer.call.checked = true;
      this.#turns.offer(answer.call);
    }
    if (false) {`,
    ),
  },
  {
    name: "ambiguous commit called not applied",
    patches: patch(
      ACTIVATION,
      RESOLVED,
      "    if (true) this.#answers.rejectAnswers(batch.answers, outcomes.aborted());\n    else {",
    ),
  },
  {
    name: "ambiguous commit called applied",
    patches: patch(ACTIVATION, RESOLVED, "    if (true) this.#commit(batch);\n    else {"),
  },
  {
    name: "commit without answer called fenced",
    patches: patch(
      ACTIVATION,
      "rejectAnswers(batch.answers, fate);",
      "rejectAnswers(batch.answers, ran);",
    ),
  },
  {
    name: "turns keep the base of a commit that failed",
    patches: patch(ACTIVATION, "    this.#turns.voidRunning(outcomes.aborted());\n", ""),
  },
  {
    name: "reads not fenced",
    patches: patch(GATE, "    this.#fenced = fenced;", "    this.#fenced = false && fenced;"),
  },
  {
    name: "reads do not wait for the commit they saw",
    patches: patch(
      GATE,
      "if (this.#inFlight !== undefined) this.#inFlight.answers.push(answer);",
      "if (this.#inFlight !== undefined) this.#answers.give(answer);",
    ),
  },
  {
    name: "equal calls not merged",
    patches: patch(
      ACTIVATION,
      "if (first !== undefined) return this.#answers",
      "if (false) return this.#answers",
    ),
  },
  {
    name: "keys collide in the table",
    patches: patch(
      TABLE,
      "    const path = actorPath(actor);\n    const known",
      "    const path = `${typePath}/${actor.key.length}`;\n    const known",
    ),
  },
  {
    name: "keys collide in the store",
    patches: patch(
      STORE,
      "    const found = this.#rows.actors.get(actorPath(actor));\n    if (found !== undefined && found.owner",
      "    const found = [...this.#rows.actors.values()].find((r) => r.actor.type === actor.type);\n    if (found !== undefined && found.owner",
    ),
  },
  {
    name: "history of the last call of a chain alone",
    patches: patch(
      "src/core/activation/turn-results.ts",
      'if (spec.history.kind !== "none") {',
      'if (spec.history.kind !== "none" && i === calls.length - 1) {',
    ),
  },
  {
    name: "a turn that nobody waits for gives up its place at once",
    patches: patch(
      "src/node/hosts.ts",
      "if (host.running.has(invocationId)) return host.link.cancel(invocationId);",
      "if (host.running.has(invocationId))\n        return this.#giveUp(host, invocationId, refusals.withdrawn());",
    ),
  },
  {
    name: "two invocations at once",
    patches: patch(TURNS, "while (this.#running === undefined) {", "for (;;) {"),
  },
  {
    name: "shredding keeps the seed",
    patches: patch(COMMIT, "  row.seed = undefined;\n  row.history = [];", "  row.history = [];"),
  },
  {
    name: "shredding keeps recorded replies",
    patches: patch(
      COMMIT,
      "for (const [requestId, record] of row.dedup) {",
      "for (const [requestId, record] of [...row.dedup].slice(row.dedup.size)) {",
    ),
  },
  {
    name: "seed replaced by a commit that lost",
    patches: patch(
      STORE,
      CONFLICT,
      `if (row.revision !== commit.baseRevision) {
      if (commit.seed !== undefined) row.seed = commit.seed;
      return "conflict";
    }`,
    ),
  },
  {
    name: "seed of a claim forgotten",
    patches: patch(
      CLAIMS,
      "slot.seed = seed && sealer.seeds?.open(slot.actor, seed);",
      "slot.seed ??= seed && sealer.seeds?.open(slot.actor, seed);",
    ),
  },
  {
    name: "replies of turns before the shredding recorded",
    patches: patch(
      "src/core/activation/staged.ts",
      "    this.replies = this.replies.map((reply) => ({ ...reply, reply: undefined }));\n",
      "",
    ),
  },
  {
    name: "store that went back not noticed",
    patches: patch(
      ACTIVATION,
      "    if (loss !== undefined) {\n      this.#answers.effect",
      "    if (false) {\n      this.#answers.effect",
    ),
  },
  {
    name: "actors that were active not remembered",
    patches: patch(
      TABLE,
      "    if (slot.activation.epoch > 0) slot.room.known.note(slot.path, positionOf(slot));\n",
      "",
    ),
  },
  {
    name: "store of one system used for another",
    patches: patch(
      "src/node/store-rooms.ts",
      "return this.#bySystem.get(system) ?? this.main;",
      "return this.main;",
    ),
  },
  {
    name: "answers of a lost activation forgotten",
    patches: patch(ACTIVATION, "    this.#turns.rejectAll(waiting, ran);\n", ""),
  },
];

/** Runs seeds until one catches the mutant. A mutant that cannot even run is not caught by that. */
export async function hunt(mutant: Mutant, seeds: number): Promise<Capture> {
  using folder = tempDir();
  const engine = await loadPatched(mutant.patches, folder.path);
  const { wrapStore } = mutant;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const report = simulate({ seed, engine, ...(wrapStore === undefined ? {} : { wrapStore }) });
    if (report.violations.length === 0) continue;
    const checkers = [...new Set(report.violations.map(({ checker }) => checker))];
    return { seed, checkers };
  }
  return { seed: undefined, checkers: [] };
}
