import type { Clock, Logger, Random } from "../../node/ports.ts";
import type { SupervisedProcess } from "./supervised-process.ts";

const LEAST_CALM_MS = 3_000;
const MOST_CALM_MS = 12_000;
const LEAST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 25_000;

/**
 * Kills and pauses one process at a time, at random, until the returned function is called: what an
 * ordinary week does to a cluster, in a minute.
 */
export function unleashChaos(
  processes: readonly SupervisedProcess[],
  clock: Clock,
  random: Random,
  log: Logger,
): () => void {
  let stopTimer: () => void = () => undefined;
  let paused: SupervisedProcess | undefined;
  const between = (least: number, most: number): number => least + random.unit() * (most - least);
  const later = (delayMs: number, next: () => void): void => {
    stopTimer = clock.setTimer(delayMs, next);
  };
  const calm = (): void => later(between(LEAST_CALM_MS, MOST_CALM_MS), strike);
  const strike = (): void => {
    const victim = processes[Math.floor(random.unit() * processes.length)];
    if (victim?.pid === undefined) return calm();
    if (random.unit() < 0.5) {
      log.warn("chaos.kill", { process: victim.name });
      victim.signal("SIGKILL");
      return calm();
    }
    const pauseMs = Math.round(between(LEAST_PAUSE_MS, MOST_PAUSE_MS));
    log.warn("chaos.pause", { process: victim.name, ms: pauseMs });
    victim.signal("SIGSTOP");
    paused = victim;
    later(pauseMs, () => {
      log.warn("chaos.resume", { process: victim.name });
      victim.signal("SIGCONT");
      paused = undefined;
      calm();
    });
  };
  calm();
  return () => {
    stopTimer();
    paused?.signal("SIGCONT");
  };
}
