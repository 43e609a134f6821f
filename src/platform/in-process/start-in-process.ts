import type { ActorTypeSpec } from "../../domain/actor.ts";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import { spawnThread } from "./spawn-thread.ts";
import { ThreadLink, type ThreadWorld } from "./thread-link.ts";

/** What an in-process host needs. */
export interface InProcessOptions
  extends Omit<ThreadWorld, "spawn" | "credit">,
    Partial<Pick<ThreadWorld, "spawn" | "credit">> {
  /** Absolute paths of modules, `.ts` or `.js`. */
  readonly modules: readonly string[];
  readonly system: string;
  /** 1 unless given. */
  readonly threads?: number;
}

/** The actors of some modules, running. */
export interface InProcessHost {
  /** What is registered now. */
  readonly types: readonly ActorTypeSpec[];
  /**
   * Loads modules (the same ones unless given) anew and lets them take over: new calls go to them,
   * running ones end where they began. Rejects with `ActorModuleError` if they are broken; then the
   * old ones go on as if nothing had happened. State is the node's and stays.
   */
  reload(modules?: readonly string[]): Promise<void>;
  /** Ends every thread at once. Running turns fail and are not applied. */
  close(): void;
}

/** Modules that hold no usable actors, with one line per mistake that names file and export. */
export class ActorModuleError extends Error {
  override readonly name = "ActorModuleError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

const RESTART_MS = 100;
const RESTART_LIMIT_MS = 5_000;

/** All threads of one version of the modules. A thread that dies is replaced by one of the same. */
class Generation {
  readonly #world: ThreadWorld;
  readonly #system: string;
  readonly modules: readonly string[];
  readonly #name: string;
  readonly #links: (ThreadLink | undefined)[];
  #types: readonly ActorTypeSpec[] = [];
  #restarts = 0;
  #over = false;

  constructor(options: InProcessOptions, modules: readonly string[], name: string) {
    const { spawn = spawnThread, credit = DEFAULT_LIMITS.hostCredit } = options;
    this.#world = { ...options, spawn, credit };
    this.#system = options.system;
    this.modules = modules;
    this.#name = name;
    this.#links = Array.from({ length: Math.max(1, options.threads ?? 1) });
  }

  get types(): readonly ActorTypeSpec[] {
    return this.#types;
  }

  /** Loads every thread, then attaches them all; on any failure none of them stays. */
  async start(): Promise<void> {
    try {
      const loads = this.#links.map((_, index) => this.#load(index));
      const settled = await Promise.allSettled(loads);
      for (const one of settled) if (one.status === "rejected") throw one.reason;
      for (const link of this.#links) link?.attach(this.#types);
    } catch (error) {
      this.close("it did not start");
      throw error;
    }
  }

  drain(): void {
    this.#over = true;
    for (const link of this.#links) link?.drain();
  }

  close(reason: string): void {
    this.#over = true;
    for (const link of this.#links) link?.close(reason);
  }

  async #load(index: number): Promise<ThreadLink> {
    const id = `${this.#name}-${index}`;
    const link = new ThreadLink(this.#world, id, (reason) => this.#lost(index, reason));
    this.#links[index] = link;
    const { types, problems } = await link.load(this.modules, this.#system);
    if (problems.length > 0) {
      link.close("its modules are broken");
      throw new ActorModuleError(problems);
    }
    this.#types = types;
    return link;
  }

  #lost(index: number, reason: string): void {
    this.#links[index] = undefined;
    if (this.#over) return;
    const { clock, log } = this.#world;
    const delayMs = Math.min(RESTART_LIMIT_MS, RESTART_MS * 2 ** this.#restarts);
    this.#restarts += 1;
    log.warn("actors.thread_lost", {
      host: this.#name,
      thread: index,
      reason,
      restart_ms: delayMs,
    });
    clock.setTimer(delayMs, () => void this.#restart(index));
  }

  async #restart(index: number): Promise<void> {
    if (this.#over) return;
    try {
      const link = await this.#load(index);
      if (this.#over) link.close("it is replaced");
      else link.attach(this.#types);
      const healthy = (): void => {
        if (this.#links[index] === link) this.#restarts = 0;
      };
      this.#world.clock.setTimer(2 * RESTART_LIMIT_MS, healthy);
    } catch (error) {
      this.#lost(index, error instanceof Error ? error.message : "it did not load");
    }
  }
}

/**
 * Runs the actors of TypeScript and JavaScript modules in threads of this process and registers them
 * with the node. Resolves when they take calls; rejects with `ActorModuleError` for broken modules
 * and with `ServerError` if the node refuses the types, and then nothing runs.
 */
export async function startInProcess(options: InProcessOptions): Promise<InProcessHost> {
  let count = 0;
  const generation = (modules: readonly string[]): Generation => {
    count += 1;
    return new Generation(options, modules, `in-process-${count}`);
  };
  let current = generation(options.modules);
  await current.start();
  let closed = false;
  let reloading: Promise<void> = Promise.resolve();
  const replace = async (modules: readonly string[] | undefined): Promise<void> => {
    const next = generation(modules ?? current.modules);
    await next.start();
    if (closed) next.close("the host is closed");
    else current.drain();
    current = next;
  };
  return {
    get types() {
      return current.types;
    },
    // One at a time: a file that is saved twice must not leave two versions attached.
    reload: (modules) => {
      const turn = reloading.then(() => replace(modules));
      reloading = turn.catch(() => undefined);
      return turn;
    },
    close: () => {
      closed = true;
      current.close("the host is closed");
    },
  };
}
