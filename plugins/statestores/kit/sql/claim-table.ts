import type { ActorId, ClaimRequest, ClaimResult } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import { actorIdentity } from "../identity.ts";
import { ACTOR_COLUMNS, readActorRow, readStanding } from "./actor-row.ts";
import { type AskedActor, places, prepared, TAKEN_COLUMNS } from "./dialect.ts";
import { hexOf, numberOf, textOf, utf8 } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import { SqlError, type SqlRow, type SqlStatement, type SqlValue } from "./sql-client.ts";

/** How often rows are asked for again that were neither given nor held by anybody. */
const ROUNDS = 50;

/** An actor that is asked for, with the answer once there is one. */
interface Asked extends AskedActor {
  readonly actor: ActorId;
  readonly hex: string;
  answer: ClaimResult | undefined;
}

/** Claims: the dialect takes what can be taken; what was not taken is looked at here. */
export class ClaimTable {
  readonly #access: SqlAccess;
  readonly #look: BucketedStatement;
  readonly #isAlive: SqlStatement;
  readonly #disown: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now } = dialect.fragments;
    const actors = dialect.table("actors");
    const sessions = dialect.table("sessions");
    this.#access = access;
    // Of the state only whether there is one.
    const columns = ACTOR_COLUMNS.map((column) =>
      column === "state" ? "substring(a.state, 1, 0)" : `a.${column}`,
    );
    this.#look = new BucketedStatement(
      (bucket) =>
        `SELECT a.actor, a.owner, s.id, s.node_name, s.address,
                CASE WHEN s.state = 'up' AND s.expires_ms > ${now} THEN 1 ELSE 0 END,
                ${columns.join(", ")}
           FROM ${actors} a LEFT JOIN ${sessions} s ON s.id = a.owner
          WHERE a.actor IN (${places(1, bucket)})`,
    );
    this.#isAlive = prepared(
      `SELECT id FROM ${sessions} WHERE id = $1 AND state = 'up' AND expires_ms > ${now}`,
    );
    this.#disown = prepared(
      `UPDATE ${actors} SET owner = NULL WHERE actor = $1 AND owner = $2 AND epoch = $3`,
    );
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    const asked = request.actors.map(askedOf);
    for (const group of withoutRepeats(asked)) {
      for (const piece of pieces(group)) await this.#claimAll(request, piece);
    }
    if (asked.length === 0) await this.#access.attempt("repeat", () => this.#assertAlive(request));
    return asked.map(({ answer }) => answer ?? { kind: "damaged", reason: "ROW_CORRUPT" });
  }

  /** Answers every actor of the list. */
  async #claimAll(request: ClaimRequest, asked: readonly Asked[]): Promise<void> {
    await this.#access.attempt("repeat", async (client) => {
      const { sessionId, maxRequestIds } = request;
      for (let round = 0; round < ROUNDS; round += 1) {
        const actors = asked.filter(({ answer }) => answer === undefined);
        const ask = { sessionId, actors, maxRequestIds };
        const taken = await this.#access.dialect.claim(client, ask);
        if (answerTaken(actors, taken)) return;
        if (taken.length === 0) await this.#assertAlive(request);
        if (await this.#answerOthers(actors, sessionId)) return;
      }
      throw new SqlError("retry", "actors that nobody holds are not given");
    });
  }

  async #assertAlive({ sessionId }: ClaimRequest): Promise<void> {
    const { rows } = await this.#access.client.run(this.#isAlive, [sessionId]);
    if (rows.length > 0) return;
    throw new StoreFailure("state.fenced", `session ${sessionId} is not up`, "not_applied", {
      reason: "SESSION_FENCED",
    });
  }

  /** Looks at the rows that were not taken; true if all are answered now. */
  async #answerOthers(asked: readonly Asked[], sessionId: number): Promise<boolean> {
    const open = asked.filter(({ answer }) => answer === undefined);
    const { statement, keys } = this.#look.for(open.map(({ identity }) => identity));
    const { rows } = await this.#access.client.run(statement, keys);
    const byHex = new Map(rows.map((row) => [hexOf(row[0]), row]));
    let isDone = true;
    for (const one of open) {
      const row = byHex.get(one.hex);
      if (row !== undefined) one.answer = await this.#judge(one, row, sessionId);
      isDone &&= one.answer !== undefined;
    }
    return isDone;
  }

  /** Why a row was not taken, or `undefined` if it can be by now. */
  async #judge(one: Asked, row: SqlRow, sessionId: number): Promise<ClaimResult | undefined> {
    const [identity = null, owner = null, session, nodeName, address, isLiving, ...columns] = row;
    const found = readActorRow(columns, one.actor);
    if (typeof found === "string") return { kind: "damaged", reason: found };
    if (owner === null || numberOf(owner) === sessionId) return undefined;
    if (numberOf(isLiving) === 1) {
      return {
        kind: "owned",
        sessionId: numberOf(owner),
        nodeName: textOf(nodeName),
        address: textOf(address),
      };
    }
    // The row was read together with that of its owner, which therefore is gone and not yet to come.
    if (session === null) {
      await this.#access.client.run(this.#disown, [identity, owner, found.epoch]);
    }
    return undefined;
  }
}

function askedOf(actor: ActorId): Asked {
  const { system, type } = actor;
  const identity = actorIdentity(actor);
  return {
    actor,
    identity,
    hex: hexOf(identity),
    system,
    type,
    key: utf8(actor.key),
    answer: undefined,
  };
}

/** Groups in the order of identities; an actor that is asked for twice is claimed twice. */
function withoutRepeats(asked: readonly Asked[]): readonly (readonly Asked[])[] {
  const groups: Asked[][] = [];
  let rest = [...asked].sort((a, b) => Buffer.compare(a.identity, b.identity));
  while (rest.length > 0) {
    const group = rest.filter((one, index) => one.hex !== rest[index - 1]?.hex);
    groups.push(group);
    const taken = new Set(group);
    rest = rest.filter((one) => !taken.has(one));
  }
  return groups;
}

/** Answers the actors whose rows were taken; true if that is all of them. */
function answerTaken(asked: readonly Asked[], taken: readonly SqlRow[]): boolean {
  const byHex = new Map(taken.map((row) => [hexOf(row[0]), row]));
  for (const one of asked) {
    const row = byHex.get(one.hex);
    if (row !== undefined) one.answer = claimedOf(row);
  }
  return byHex.size === asked.length;
}

const WRAPPED = TAKEN_COLUMNS.indexOf("wrapped");
const REQUEST_IDS = TAKEN_COLUMNS.indexOf("request_ids");

function claimedOf(row: SqlRow): ClaimResult {
  const found = readStanding(row.slice(1, WRAPPED));
  if (typeof found === "string") return { kind: "damaged", reason: found };
  const { epoch, revision, state, tags } = found;
  const wrapped = row[WRAPPED];
  const requestIds = requestIdsOf(row[REQUEST_IDS] ?? null);
  // A claim makes rows with epoch 1 and raises that of those it finds.
  const claimed = { kind: "claimed", handle: 0, epoch, revision, state, tags, requestIds } as const;
  const existed = epoch > 1;
  return wrapped instanceof Uint8Array
    ? { ...claimed, existed, seed: wrapped }
    : { ...claimed, existed };
}

function requestIdsOf(value: SqlValue): readonly string[] | undefined {
  if (value === null) return undefined;
  if (value === "") return [];
  return String(value)
    .split(",")
    .map((hex) => textOf(Buffer.from(hex, "hex")));
}
