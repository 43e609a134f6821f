import { encodeBatch, identified } from "../../plugins/statestores/kit/sql/encode-batch.ts";
import { type BenchActor, nextTurn, type TurnShape } from "./group-load.ts";
import { type BenchTarget, LANES } from "./targets.ts";

/**
 * What the driver alone reaches with the store's own statement: the same text, the same values, as
 * many connections as there are lanes, each with one batch of `rows` after another. Batches are
 * encoded outside of the time that counts.
 */
export async function runCeiling(
  { dialect, driver }: BenchTarget,
  sessionId: number,
  actors: readonly BenchActor[],
  shape: TurnShape,
  rows: number,
  runMs: number,
): Promise<{ readonly turnsPerSecond: number; readonly cpuUsPerTurn: number }> {
  const size = Math.max(1, Math.min(Math.round(rows), Math.floor(actors.length / LANES)));
  let turns = 0;
  let cpuUs = 0;
  let encodingMs = 0;
  const begun = performance.now();
  const run = async (lane: number): Promise<void> => {
    const own = actors.slice(lane * size, (lane + 1) * size);
    while (performance.now() - begun < runMs) {
      const encodedFrom = performance.now();
      const commits = own.map((actor) => nextTurn(actor, shape));
      const batch = encodeBatch(sessionId, identified(commits));
      encodingMs += performance.now() - encodedFrom;
      const won = await dialect.commit(driver, batch);
      if (won.length !== own.length) throw new Error("a turn was refused");
      for (const actor of own) actor.revision += 1;
      turns += own.length;
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: Math.min(LANES, actors.length) }, (_, lane) => run(lane)));
  const { user, system } = process.cpuUsage(before);
  cpuUs = user + system - encodingMs * 1_000;
  const seconds = (performance.now() - begun - encodingMs) / 1_000;
  return { turnsPerSecond: turns / seconds, cpuUsPerTurn: cpuUs / turns };
}
