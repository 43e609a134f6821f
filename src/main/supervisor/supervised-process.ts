import { type ChildProcess, spawn } from "node:child_process";
import type { Clock, Logger } from "../../node/ports.ts";

/** One process of this binary that a supervisor keeps running. */
export interface ProcessPlan {
  /** How logs name it: `2`, or a node's name. */
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a supervised process tells. */
export interface ProcessEvents {
  /** It wrote a line to standard output or standard error. */
  line(name: string, stream: "out" | "err", text: string): void;
  /** It ended in a way that a restart does not mend. */
  gaveUp(name: string, code: number): void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** A process that ran for so long was healthy: its next end is a first one. */
const HEALTHY_MS = 10_000;
/** Usage, damaged data, permission and configuration: the next start would end the same way. */
const HOPELESS: ReadonlySet<number> = new Set([64, 65, 77, 78]);

/** Starts a process again whenever it ends, with a growing wait, until it is stopped. */
export class SupervisedProcess {
  readonly #plan: ProcessPlan;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProcessEvents;
  #child: ChildProcess | undefined;
  #failures = 0;
  #startedMs = 0;
  #stopTimer: () => void = () => undefined;
  #stopping = false;
  #ended: ((code: number) => void) | undefined;

  constructor(plan: ProcessPlan, clock: Clock, log: Logger, events: ProcessEvents) {
    this.#plan = plan;
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
  }

  get name(): string {
    return this.#plan.name;
  }

  /** The process that runs now; `undefined` between two. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { name, command, environment } = this.#plan;
    const [path = "", ...parameters] = command;
    this.#startedMs = this.#clock.now();
    // Its standard input ends when this process does, however that happens, and it ends with it.
    const child = spawn(path, parameters, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...environment },
    });
    this.#child = child;
    child.stdin?.on("error", () => undefined);
    forEachLine(child.stdout, (text) => this.#events.line(name, "out", text));
    forEachLine(child.stderr, (text) => this.#events.line(name, "err", text));
    child.on("error", (error) => this.#log.error("process.not_started", { process: name, error }));
    child.on("close", (code, signal) => this.#closed(code ?? 1, signal));
  }

  /** Sends a signal, if there is a process. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends the process gracefully; resolves with its exit code. No other one follows. */
  stop(): Promise<number> {
    this.#stopping = true;
    this.#stopTimer();
    const child = this.#child;
    if (child === undefined) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.#ended = resolve;
      // A process that stands still hears nothing until it goes on.
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    });
  }

  #closed(code: number, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    if (this.#stopping) {
      this.#ended?.(code);
      return;
    }
    const { name } = this.#plan;
    if (signal === null && HOPELESS.has(code)) {
      this.#events.gaveUp(name, code);
      return;
    }
    const ranMs = this.#clock.now() - this.#startedMs;
    this.#failures = ranMs >= HEALTHY_MS ? 0 : this.#failures + 1;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 7));
    this.#log.warn("process.ended", { process: name, code, signal, restart_in_ms: waitMs });
    this.#stopTimer = this.#clock.setTimer(waitMs, () => this.start());
  }
}

/** Calls `line` for each whole line of a stream, and for what is left at its end. */
function forEachLine(stream: NodeJS.ReadableStream | null, line: (text: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) line(part);
  });
  stream?.on("end", () => {
    if (rest !== "") line(rest);
  });
}
