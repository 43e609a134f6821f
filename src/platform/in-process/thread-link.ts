import type { ActorTypeSpec } from "../../domain/actor.ts";
import type { Caller } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import type { HostLink } from "../../node/host-port.ts";
import type { Logger } from "../../node/ports.ts";
import {
  type CallReply,
  type DoneFrame,
  type FrameFromThread,
  type LoadedFrame,
  packInvocations,
  unpackResults,
} from "./actor-frames.ts";
import type { SpawnThread, Thread } from "./spawn-thread.ts";
import { type CallWorld, failureOf, ThreadCalls } from "./thread-calls.ts";

/** What every thread of one in-process host shares. */
export interface ThreadWorld extends CallWorld {
  readonly log: Logger;
  readonly spawn: SpawnThread;
  /** Turns that a thread takes at once. */
  readonly credit: number;
}

/** How long a thread may leave a question unanswered once a turn on it was cancelled. */
const UNRESPONSIVE_MS = 2_000;
const LOAD_TIMEOUT_MS = 10_000;

const IDENTITY: Caller = { kind: "host", id: "in-process", roles: [] };

/** What loading came to: the types, or one line per problem. */
export type Loaded = Pick<LoadedFrame, "types" | "problems">;

/**
 * One thread of actors as the node sees it. Loaded first, then attached; it ends exactly once, by
 * `lost` if it was attached. `onEnd` is told why; an end that was asked for is not told.
 */
export class ThreadLink implements HostLink {
  readonly id: string;
  readonly name: string;
  readonly sdk = "typescript in process";
  readonly kind = "in-process";
  readonly weight = 1;
  readonly identity = IDENTITY;

  readonly #world: ThreadWorld;
  readonly #onEnd: (reason: string) => void;
  readonly #thread: Thread;
  readonly #calls: ThreadCalls;
  /** Turns of each invocation that runs, by its id. */
  readonly #running = new Map<number, number>();
  readonly #cancelled = new Set<number>();
  #loading: ((loaded: Loaded) => void) | undefined;
  #invocations: HostInvocation[] = [];
  #cancels: number[] = [];
  #replies: CallReply[] = [];
  #ping = 0;
  #pings = 0;
  #stopWatch: (() => void) | undefined;
  #stopStuck: (() => void) | undefined;
  #flushing = false;
  #attached = false;
  #leaving = false;
  #over = false;

  constructor(world: ThreadWorld, id: string, onEnd: (reason: string) => void) {
    this.#world = world;
    this.id = id;
    this.name = id;
    this.#onEnd = onEnd;
    this.#calls = new ThreadCalls(world, this, (reply) => {
      this.#replies.push(reply);
      this.#flushSoon();
    });
    this.#thread = world.spawn({
      frame: (frame) => this.#receive(frame),
      ended: (reason) => this.#end(reason, true),
    });
  }

  /** Loads modules and answers what is in them. Resolves also when they are broken. */
  load(modules: readonly string[], system: string): Promise<Loaded> {
    return new Promise((resolve) => {
      const stop = this.#world.clock.setTimer(LOAD_TIMEOUT_MS, () => {
        const text = `${modules.join(", ")}: loading took longer than ${LOAD_TIMEOUT_MS / 1000} s`;
        this.#loading?.({ types: [], problems: [text] });
      });
      this.#loading = (loaded) => {
        stop();
        this.#loading = undefined;
        resolve(loaded);
      };
      this.#thread.post({ kind: "load", modules, system });
    });
  }

  /** Registers with the node. Throws `ServerError` if the node refuses; then nothing is attached. */
  attach(types: readonly ActorTypeSpec[]): void {
    this.#world.gate.attach(this, types, this.#world.credit);
    this.#attached = true;
  }

  execute(invocation: HostInvocation): void {
    this.#running.set(invocation.id, invocation.turns.length);
    this.#invocations.push(invocation);
    this.#flushSoon();
  }

  /** The thread is asked whether it still lives: only a blocked one does not answer. */
  cancel(invocationId: number): void {
    if (!this.#running.has(invocationId)) return;
    this.#cancelled.add(invocationId);
    this.#cancels.push(invocationId);
    this.#flushSoon();
    if (this.#stopWatch !== undefined) return;
    this.#pings += 1;
    this.#ping = this.#pings;
    this.#stopWatch = this.#world.clock.setTimer(UNRESPONSIVE_MS, () => {
      this.#end(`it did not answer for ${UNRESPONSIVE_MS} ms after a cancelled turn`, true);
    });
  }

  drain(): void {
    if (this.#leaving || this.#over) return;
    this.#leaving = true;
    this.#world.gate.draining(this);
    this.#endIfIdle();
  }

  close(reason: string): void {
    this.#end(reason, false);
  }

  #receive(frame: FrameFromThread): void {
    if (this.#over) return;
    if (frame.kind === "loaded") this.#loading?.(frame);
    else this.#done(frame);
  }

  #done(frame: DoneFrame): void {
    const { calls, pong, strays } = frame;
    if (pong === this.#pings && pong !== 0) {
      this.#stopWatch?.();
      this.#stopWatch = undefined;
    }
    for (const stray of strays) {
      this.#world.log.warn("actors.stray_error", { host: this.id, message: stray });
    }
    for (const call of calls) this.#calls.make(call);
    const done: HostResult[] = [];
    let turns = 0;
    for (const unchecked of unpackResults(frame)) {
      const result = this.#checked(unchecked);
      turns += this.#running.get(result.id) ?? 0;
      this.#running.delete(result.id);
      this.#cancelled.delete(result.id);
      done.push(result);
    }
    if (done.length > 0) this.#world.gate.results(this, done);
    if (turns > 0 && !this.#leaving) this.#world.gate.credit(this, turns);
    this.#endIfIdle();
    this.#endIfStuck();
  }

  #endIfIdle(): void {
    if (this.#leaving && this.#running.size === 0) this.#end("its turns have ended", false);
  }

  /**
   * Turns that never end although nobody waits for them must not eat up all the credit. They are given
   * time, for whoever takes many calls back at once must not end the turns of all others.
   */
  #endIfStuck(): void {
    if (this.#stopStuck !== undefined || !this.#isMuch(this.#cancelled.size)) return;
    const suspects = [...this.#cancelled];
    this.#stopStuck = this.#world.clock.setTimer(UNRESPONSIVE_MS, () => {
      this.#stopStuck = undefined;
      if (this.#isMuch(suspects.filter((id) => this.#cancelled.has(id)).length)) {
        this.#end("half of what it may run are cancelled turns that do not end", true);
      } else this.#endIfStuck();
    });
  }

  #isMuch(turns: number): boolean {
    return turns * 2 > this.#world.credit;
  }

  #checked(result: HostResult): HostResult {
    try {
      for (const { effects } of result.outcomes) {
        for (const effect of effects) {
          if ("target" in effect) this.#world.checkCall({ requestId: "", ...effect });
        }
      }
      return result;
    } catch (error) {
      const { id } = result;
      // It is the actor that is wrong here, and not who called it.
      const failure = { ...failureOf(error), code: "internal" };
      return { id, outcomes: [], state: undefined, tags: undefined, failure };
    }
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#world.clock.defer(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#over) return;
    const work = {
      kind: "work",
      ...packInvocations(this.#invocations, this.#world.clock.now()),
      cancel: this.#cancels,
      replies: this.#replies,
      ping: this.#ping,
    } as const;
    this.#invocations = [];
    this.#cancels = [];
    this.#replies = [];
    this.#ping = 0;
    try {
      this.#thread.post(work);
    } catch (error) {
      this.#end(
        `it cannot be reached: ${error instanceof Error ? error.message : "no error"}`,
        true,
      );
    }
  }

  #end(reason: string, unasked: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWatch?.();
    this.#stopStuck?.();
    this.#thread.terminate();
    this.#calls.cancelAll();
    this.#loading?.({ types: [], problems: [`the thread of the actors did not load: ${reason}`] });
    if (this.#attached) this.#world.gate.lost(this, reason);
    if (unasked) this.#onEnd(reason);
  }
}
