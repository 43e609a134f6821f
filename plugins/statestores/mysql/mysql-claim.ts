import { bucketOf, type ClaimAsk, places } from "../kit/sql/dialect.ts";
import { type SqlClient, SqlError, type SqlResult, type SqlRow } from "../kit/sql/sql-client.ts";
import { NOW } from "./mysql-clock.ts";
import { tableName } from "./mysql-schema.ts";
import { BucketedTexts } from "./bucketed-texts.ts";

const ACTORS = tableName("actors");
const SESSIONS = tableName("sessions");
const DEDUP = tableName("dedup");
const LIMIT = BigInt(Number.MAX_SAFE_INTEGER);

/** The place of the first identity, behind the session and how many ids may be listed. */
const FIRST = 3;

/** A map of strings as `encodeTags` writes it; no alternative is tried twice, however long it is. */
const TAGS_PATTERN = String.raw`^[{](?:"(?:[^"\\\\]++|\\\\.)*+":"(?:[^"\\\\]++|\\\\.)*+"(?:,(?=")|(?=[}]$)))*+[}]$`;

/** UTF-8 in hexadecimal, without NUL and without the mark of what was broken. */
const TAIL = "[89AB][0-9A-F]";
const UTF8_PATTERN =
  `^(?:0[1-9A-F]|[1-7][0-9A-F]|(?:C[2-9A-F]|D[0-9A-F])${TAIL}` +
  `|E0[AB][0-9A-F]${TAIL}|E[1-9A-CE]${TAIL}${TAIL}|ED[89][0-9A-F]${TAIL}` +
  `|EF(?!BFBD)${TAIL}${TAIL}|F0[9AB][0-9A-F]${TAIL}${TAIL}` +
  `|F[123]${TAIL}${TAIL}${TAIL}|F48[0-9A-F]${TAIL}${TAIL})*+$`;

/**
 * Row `a` can be served, whoever holds it. What names it is checked by the digest that it goes by, of
 * the key without the mark that `utf8` puts behind text which ends with NUL.
 */
const KEY = "TRIM(TRAILING 0xFE FROM a.actor_key)";
const SOUND = `a.actor = UNHEX(SHA2(CONCAT(a.actor_system, CHAR(0), a.actor_type, CHAR(0), ${KEY}), 256))
     AND a.epoch >= 0 AND a.epoch < ${LIMIT} AND a.revision >= 0 AND a.revision < ${LIMIT}
     AND (a.state IS NULL) = (a.state_type IS NULL) AND (a.state IS NULL OR a.revision > 0)
     AND (a.tags = '{}' OR (JSON_VALID(a.tags) AND a.tags REGEXP '${TAGS_PATTERN}'
                            AND INSTR(a.tags, _utf8mb4 0xEFBFBD) = 0))
     AND (a.state_type IS NULL OR a.state_type = 'application/json'
          OR HEX(a.state_type) REGEXP '${UTF8_PATTERN}')`;

/** Rows that are missing are made, owned by nobody and never claimed; the others are locked. */
function makeText(bucket: number): string {
  const rows = Array.from(
    { length: bucket },
    (_, index) => `(${places(1 + index * 4, 4)}, NULL, 0, 0, 0, ${NOW}, '{}')`,
  );
  return `INSERT INTO ${ACTORS} (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
                                 commits, updated_ms, tags)
          VALUES ${rows.join(", ")} ON DUPLICATE KEY UPDATE commits = commits`;
}

/**
 * A walk along the primary key by conditions of the table alone passes over rows that others have
 * locked unless it would change them; as a join it would wait for the renewal of every lease. Hence
 * the counting, which neither server makes a join of.
 */
function fenceText(bucket: number): string {
  return `UPDATE ${SESSIONS} s FORCE INDEX (PRIMARY) SET s.state = 'fenced', s.up_name = NULL
           WHERE s.state = 'up' AND s.expires_ms <= ${NOW} AND s.id <> $1
             AND 0 < (SELECT COUNT(*) FROM ${ACTORS} o
                       WHERE o.owner = s.id AND o.actor IN (${places(FIRST, bucket)}))`;
}

function takeText(bucket: number): string {
  return `UPDATE ${ACTORS} a FORCE INDEX (PRIMARY) SET a.owner = $1, a.epoch = a.epoch + 1
           WHERE a.actor IN (${places(FIRST, bucket)})
     AND (a.owner IS NULL OR a.owner = $1
          OR a.owner IN (SELECT s.id FROM ${SESSIONS} s WHERE s.state <> 'up'))
     AND 1 = (SELECT COUNT(*) FROM ${SESSIONS} m
               WHERE m.id = $1 AND m.state = 'up' AND m.expires_ms > ${NOW})
     AND ${SOUND}`;
}

/** Ids are only listed where there is none beyond the number asked for. */
function readText(bucket: number): string {
  return `SELECT a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state, w.wrapped,
       CASE WHEN (SELECT 1 FROM ${DEDUP} d WHERE d.actor = a.actor LIMIT 1 OFFSET $2) IS NULL
            THEN COALESCE((SELECT GROUP_CONCAT(HEX(d.request_id)) FROM ${DEDUP} d
                            WHERE d.actor = a.actor), '') END
  FROM ${ACTORS} a LEFT JOIN ${tableName("seeds")} w ON w.actor = a.actor
 WHERE a.owner = $1 AND a.actor IN (${places(FIRST, bucket)}) AND ${SOUND}`;
}

/** Ends a transaction in which there was nothing to take. */
class NothingTaken extends Error {}

/**
 * Claims in one transaction of four statements that need not wait for each other: missing rows are
 * made and all of them locked in order, expired owners fenced, rows taken, and what was taken read.
 */
export class MysqlClaim {
  readonly #make = new BucketedTexts(makeText);
  readonly #fence = new BucketedTexts(fenceText);
  readonly #take = new BucketedTexts(takeText);
  readonly #read = new BucketedTexts(readText);

  async claim(client: SqlClient, ask: ClaimAsk): Promise<readonly SqlRow[]> {
    const { sessionId, actors, maxRequestIds } = ask;
    const asked = [...actors];
    const last = actors.at(-1);
    // Spare places ask for the last actor once more.
    const bucket = bucketOf(actors.length);
    while (last !== undefined && asked.length < bucket) asked.push(last);
    const made = asked.flatMap(({ identity, system, type, key }) => [identity, system, type, key]);
    const values = [sessionId, maxRequestIds, ...asked.map(({ identity }) => identity)];
    try {
      return await client.transaction(async (runner) => {
        const [, , taken, read] = await Promise.all([
          runner.run(this.#make.of(bucket), made),
          runner.run(this.#fence.of(bucket), values),
          runner.run(this.#take.of(bucket), values),
          runner.run(this.#read.of(bucket), values),
        ]);
        return rowsTaken(taken, read);
      });
    } catch (error) {
      if (error instanceof NothingTaken) return [];
      throw error;
    }
  }
}

/** What was read is what was taken: rows that are ours and sound are taken whenever any is. */
function rowsTaken(taken: SqlResult, read: SqlResult): readonly SqlRow[] {
  if (taken.changed === 0) throw new NothingTaken();
  if (taken.changed === read.rows.length) return read.rows;
  const message = `${taken.changed} rows were taken and ${read.rows.length} read`;
  throw new SqlError("other", message);
}
