import process from "node:process";
import type { Clock, Logger } from "../../node/ports.ts";
import { Ending } from "../commands/ending.ts";
import { type ProcessPlan, SupervisedProcess } from "./supervised-process.ts";

/** What is supervised. */
export interface SuperviseOptions {
  readonly plans: readonly ProcessPlan[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes what the processes write. */
  readonly line: (name: string, stream: "out" | "err", text: string) => void;
  /** Called once all were started; what it returns is called before the end. */
  readonly started: (processes: readonly SupervisedProcess[]) => () => void;
}

/**
 * Keeps processes of this binary running until a signal ends them all. Resolves with the exit code: 0
 * if each ended cleanly, else the worst; at once if one of them can never run.
 */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { plans, clock, log, line, started } = options;
  const ending = new Ending(log);
  let hopeless = 0;
  const gaveUp = (name: string, code: number): void => {
    log.error("process.gave_up", { process: name, code });
    hopeless = code;
    ending.begin();
  };
  const processes = plans.map((plan) => new SupervisedProcess(plan, clock, log, { line, gaveUp }));
  for (const one of processes) one.start();
  const finish = started(processes);
  await ending.begun;
  finish();
  const killed = ending.forced.then(() => {
    for (const one of processes) one.signal("SIGKILL");
  });
  void killed;
  const codes = await Promise.all(processes.map((one) => one.stop()));
  return hopeless === 0 ? Math.max(0, ...codes) : hopeless;
}

/** How this binary is started again: compiled it is one file, else a runtime and a script. */
export function ownCommand(): readonly string[] {
  const script = process.argv[1] ?? "";
  const compiled = script.startsWith("/$bunfs/") || script.startsWith("B:\\~BUN\\");
  return compiled ? [process.execPath] : [process.execPath, script];
}
