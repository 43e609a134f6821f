import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ActorCommit, CommitResult, Statestore } from "../../src/contract/index.ts";
import {
  actorId,
  bytes,
  type Claimed,
  commit,
  dedupOf,
  json,
  openSession,
  type StatestoreSubject,
  set,
  turn,
  withStore,
} from "./support/statestore-fixture.ts";

/** `record` is a turn that changes nothing and records its reply; `shred` a removal without trace. */
type Change = "set" | "keep" | "remove" | "record" | "shred";

/** One step of a generated history; numbers are taken modulo what there is. */
type Step =
  | { readonly kind: "open"; readonly node: number }
  | { readonly kind: "end"; readonly session: number; readonly evict: boolean }
  | { readonly kind: "claim"; readonly session: number; readonly actor: number }
  | { readonly kind: "release"; readonly claim: number }
  | {
      readonly kind: "commit";
      readonly claims: readonly number[];
      readonly offset: number;
      readonly change: Change;
      /** Also brings a seed. */
      readonly seeded: boolean;
    };

const index = fc.nat({ max: 1_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("open" as const), node: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      session: index,
      evict: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("claim" as const), session: index, actor: index }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), claim: index }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      claims: fc.array(index, { minLength: 1, maxLength: 4 }),
      // Mostly the right revision, at times one too low or too high.
      offset: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      change: fc.constantFrom<Change>("set", "set", "set", "keep", "remove", "record", "shred"),
      seeded: fc.boolean(),
    }),
  },
);

type Life = Pick<ActorCommit, "shred" | "seed">;

interface ModelActor {
  owner: number | undefined;
  epoch: number;
  revision: number;
  text: string | undefined;
  seed: Uint8Array | undefined;
  /** Request ids, and whether their replies are there still. */
  readonly replies: Map<string, boolean>;
}

function changeOf(change: Change, text: string): ActorCommit["change"] {
  if (change === "set") return set(text);
  return { kind: change === "remove" || change === "shred" ? "remove" : "keep" };
}

/** The store as a `Map`, and the same steps applied to a real one. */
class ModelRun {
  readonly #store: Statestore;
  readonly #actors = new Map<string, ModelActor>();
  readonly #sessions: { readonly id: number; readonly node: string; up: boolean }[] = [];
  readonly #claims: Claimed[] = [];
  #steps = 0;

  constructor(store: Statestore) {
    this.#store = store;
  }

  async apply(one: Step): Promise<void> {
    this.#steps += 1;
    switch (one.kind) {
      case "open":
        return await this.#open(`node-${one.node % 3}`);
      case "end":
        return await this.#end(one.session, one.evict);
      case "claim":
        return await this.#claim(one.session, `actor-${one.actor % 4}`);
      case "release":
        return await this.#release(one.claim);
      case "commit":
        return await this.#commit(one);
    }
  }

  async #open(node: string): Promise<void> {
    const { id } = await openSession(this.#store, node);
    for (const session of this.#sessions) if (session.node === node) session.up = false;
    this.#sessions.push({ id, node, up: true });
  }

  async #end(wanted: number, evict: boolean): Promise<void> {
    const session = this.#sessions[wanted % this.#sessions.length];
    if (session === undefined) return;
    if (evict) expect(await this.#store.sessions.fence(session.id, true)).toBe(true);
    else await this.#store.sessions.close(session.id);
    session.up = false;
  }

  async #claim(wanted: number, key: string): Promise<void> {
    const session = this.#sessions[wanted % this.#sessions.length];
    if (session?.up !== true) return;
    const actor = actorId(key);
    const request = { sessionId: session.id, actors: [actor], maxRequestIds: 1_000 };
    const [answer] = await this.#store.claim(request);
    const model = this.#actors.get(key);
    const owner = this.#sessions.find((other) => other.id === model?.owner);
    if (owner?.up === true && owner !== session) {
      expect(answer).toMatchObject({ kind: "owned", sessionId: owner.id, nodeName: owner.node });
      return;
    }
    const next: ModelActor = model ?? {
      owner: undefined,
      epoch: 0,
      revision: 0,
      text: undefined,
      seed: undefined,
      replies: new Map(),
    };
    next.owner = session.id;
    next.epoch += 1;
    this.#actors.set(key, next);
    if (answer?.kind !== "claimed") throw new Error(`not claimed: ${JSON.stringify(answer)}`);
    expect(answer.epoch).toBe(next.epoch);
    expect(answer.revision).toBe(next.revision);
    expect(answer.existed).toBe(model !== undefined);
    expect(answer.state).toEqual(next.text === undefined ? undefined : json(next.text));
    expect(answer.seed).toEqual(next.seed);
    expect(new Set(answer.requestIds)).toEqual(new Set(next.replies.keys()));
    this.#claims.push({ ...answer, actor, sessionId: session.id });
  }

  async #release(wanted: number): Promise<void> {
    const claimed = this.#claims[wanted % this.#claims.length];
    if (claimed === undefined) return;
    await this.#store.release(claimed.sessionId, [claimed]);
    const model = this.#actors.get(claimed.actor.key);
    if (model?.owner === claimed.sessionId && model.epoch === claimed.epoch)
      model.owner = undefined;
  }

  async #commit(one: Extract<Step, { readonly kind: "commit" }>): Promise<void> {
    const first = this.#claims[(one.claims[0] ?? 0) % this.#claims.length];
    if (first === undefined) return;
    const up = this.#sessions.some(({ id, up: isUp }) => id === first.sessionId && isUp);
    const commits: ActorCommit[] = [];
    const expected: CommitResult[] = [];
    for (const wanted of one.claims) {
      const claimed = this.#claims[wanted % this.#claims.length];
      const key = claimed?.actor.key ?? "";
      const model = this.#actors.get(key);
      if (claimed === undefined || model === undefined) continue;
      if (commits.some(({ actor }) => actor.key === key)) continue;
      const base = Math.max(0, model.revision + one.offset);
      const revision = one.change === "record" ? base : base + 1;
      const text = `${key} at step ${this.#steps}`;
      const dedup = [dedupOf(`${this.#steps}`, revision)];
      const change = changeOf(one.change, text);
      const life = this.#life(one, key);
      commits.push(turn(claimed, base, { revision, change, dedup, ...life }));
      const mine = up && model.owner === first.sessionId && model.epoch === claimed.epoch;
      if (!mine) expected.push("fenced");
      else if (base !== model.revision) expected.push("conflict");
      else expected.push(this.#win(model, revision, one.change, text, life));
    }
    expect(await commit(this.#store, first.sessionId, ...commits)).toEqual(expected);
  }

  /** Seed and shredding of a commit, where the store has them. */
  #life({ change, seeded }: Extract<Step, { readonly kind: "commit" }>, key: string): Life {
    if (this.#store.seeds === undefined) return {};
    return {
      ...(change === "shred" && { shred: true }),
      ...(seeded && { seed: bytes(`seed of ${key} at step ${this.#steps}`) }),
    };
  }

  #win(
    model: ModelActor,
    revision: number,
    change: Change,
    text: string,
    { shred, seed }: Life,
  ): CommitResult {
    if (shred === true) {
      model.seed = undefined;
      for (const id of model.replies.keys()) model.replies.set(id, false);
    }
    model.revision = revision;
    model.replies.set(`${this.#steps}`, true);
    if (change === "set") model.text = text;
    if (change === "remove" || change === "shred") model.text = undefined;
    if (seed !== undefined) model.seed = seed;
    return "committed";
  }

  /** Every actor as the store has it now is as the model has it. */
  async check(): Promise<void> {
    for (const [key, model] of this.#actors) {
      const state = model.text === undefined ? undefined : json(model.text);
      const { epoch, revision, seed } = model;
      const row = { epoch, revision, state, tags: {}, ...(seed !== undefined && { seed }) };
      expect(await this.#store.read(actorId(key))).toEqual(row);
      for (const [id, whole] of model.replies) {
        const found = await this.#store.dedup(actorId(key), id);
        expect(found?.reply).toEqual(bytes(whole ? "reply" : ""));
      }
    }
    const keys = [...this.#actors.keys()];
    const seeds = keys.map((key) => this.#actors.get(key)?.seed);
    const found = await this.#store.seeds?.find(keys.map((key) => actorId(key)));
    if (found !== undefined) expect(found).toEqual(seeds);
    const epochs = keys.map((key) => this.#actors.get(key)?.epoch);
    expect(await this.#store.epochs(keys.map((key) => actorId(key)))).toEqual(epochs);
  }
}

/** Generated histories of several sessions, compared step by step with a model. */
export function statestoreModelSuite(subject: StatestoreSubject, runs = 25): void {
  describe(`${subject.name}: model`, () => {
    test("any sequence of steps leaves the store as the model says", async () => {
      const history = fc.array(step, { minLength: 20, maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(history, (steps) =>
          withStore(subject, async (store) => {
            const run = new ModelRun(store);
            await run.apply({ kind: "open", node: 0 });
            for (const one of steps) await run.apply(one);
            await run.check();
          }),
        ),
        { numRuns: runs },
      );
    }, 120_000);
  });
}
