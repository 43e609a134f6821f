import process from "node:process";
import { setImmediate } from "node:timers";
import { pathToFileURL } from "node:url";
import { ActionError, type ActorCall, type RunnerPort } from "../../sdk/actor-context.ts";
import { failureOf, runInvocationNow } from "../../sdk/actor-runner.ts";
import type { Actor } from "../../sdk/actor.ts";
import type { Payload } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult, HostTurn } from "../../domain/turn.ts";
import { type ModuleActor, readActors } from "./actor-module.ts";
import {
  type CallReply,
  type CallTuple,
  type FrameFromThread,
  type FrameToThread,
  type LoadFrame,
  packPayload,
  packResults,
  unpackInvocations,
  unpackPayload,
  type WorkFrame,
} from "./actor-frames.ts";

/** What this file needs of the global object of a thread, in Bun and Deno alike. */
interface ThreadScope {
  postMessage(frame: FrameFromThread, transfer: readonly ArrayBuffer[]): void;
  addEventListener(
    type: "message",
    listener: (event: { readonly data: FrameToThread }) => void,
  ): void;
}

/** Results of a long tick leave in between after this time, so that one slow actor holds up few. */
const FLUSH_AFTER_MS = 2;

/** Runs the actors of some modules: loads them once, then runs what each frame brings. */
class ActorThread implements RunnerPort {
  readonly #post: (frame: FrameFromThread) => void;
  readonly #actors = new Map<string, Actor>();
  /** Invocations whose actions returned a promise. */
  readonly #waiting = new Set<number>();
  readonly #aborts = new Map<number, AbortController>();
  readonly #calls = new Map<
    number,
    { resolve(reply: Payload): void; reject(error: Error): void }
  >();
  #nextCall = 1;
  #results: HostResult[] = [];
  #asked: CallTuple[] = [];
  #strays: string[] = [];
  #pong = 0;
  #flushing = false;
  #flushedAt = 0;

  constructor(post: (frame: FrameFromThread) => void) {
    this.#post = post;
  }

  receive(frame: FrameToThread): void {
    if (frame.kind === "load") void this.#load(frame);
    else this.#work(frame);
  }

  stray(error: unknown): void {
    this.#strays.push(failureOf(error).message);
    this.#flushSoon();
  }

  now(): number {
    return performance.now();
  }

  call(turn: HostTurn, call: ActorCall): Promise<Payload> {
    const { target, action, payload, metadata, requestId, timeoutMs } = call;
    const id = this.#nextCall;
    this.#nextCall += 1;
    const packed = packPayload(payload);
    const { system, type, key } = target;
    const actor = { system, type, key };
    this.#asked.push([id, turn.turnId, actor, action, packed, metadata, requestId, timeoutMs]);
    this.#flushSoon();
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  signal({ id }: HostInvocation): AbortSignal {
    return this.#abortOf(id).signal;
  }

  async #load({ modules, system }: LoadFrame): Promise<void> {
    const found: ModuleActor[] = [];
    const problems: string[] = [];
    for (const file of modules) {
      try {
        const exports: Readonly<Record<string, unknown>> = await import(pathToFileURL(file).href);
        const read = readActors(file, exports, system);
        problems.push(...read.problems);
        found.push(...read.actors);
      } catch (error) {
        problems.push(`${file}: ${loadError(error)}`);
      }
    }
    const origins = new Map<string, string>();
    for (const { actor, origin } of found) {
      const first = origins.get(actor.type);
      if (first !== undefined) problems.push(`${origin}: type ${actor.type} is ${first} already`);
      origins.set(actor.type, origin);
      this.#actors.set(actor.type, actor);
    }
    this.#post({ kind: "loaded", types: found.map(({ spec }) => spec), problems });
  }

  #work(frame: WorkFrame): void {
    const { cancel, replies, ping } = frame;
    for (const reply of replies) this.#answer(reply);
    if (ping !== 0) {
      this.#pong = ping;
      this.#flushSoon();
    }
    const now = this.now();
    this.#flushedAt = now;
    for (const invocation of unpackInvocations(frame, now)) {
      const result = this.#run(invocation);
      if (result instanceof Promise) this.#wait(result, invocation.id);
      else this.#done(result);
    }
    for (const id of cancel) if (this.#waiting.has(id)) this.#abortOf(id).abort();
  }

  #wait(result: Promise<HostResult>, id: number): void {
    this.#waiting.add(id);
    void result.then((late) => {
      this.#waiting.delete(id);
      this.#done(late);
    });
  }

  #abortOf(id: number): AbortController {
    let abort = this.#aborts.get(id);
    if (abort === undefined) {
      abort = new AbortController();
      this.#aborts.set(id, abort);
    }
    return abort;
  }

  #run(invocation: HostInvocation): HostResult | Promise<HostResult> {
    const { id, actor } = invocation;
    const found = this.#actors.get(actor.type);
    if (found !== undefined) return runInvocationNow(found, invocation, this);
    const failure = { code: "unimplemented", message: `there is no actor type ${actor.type} here` };
    return { id, outcomes: [], state: undefined, tags: undefined, failure };
  }

  #done(result: HostResult): void {
    if (this.#aborts.size > 0) this.#aborts.delete(result.id);
    this.#results.push(result);
    if (this.now() - this.#flushedAt > FLUSH_AFTER_MS) this.#flush();
    else this.#flushSoon();
  }

  #answer([callId, reply, failure]: CallReply): void {
    const waiting = this.#calls.get(callId);
    this.#calls.delete(callId);
    if (reply !== undefined) waiting?.resolve(unpackPayload(reply));
    else waiting?.reject(new ActionError(failure?.code ?? "unknown", failure?.message ?? ""));
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    this.#flushedAt = this.now();
    const [results, calls, strays, pong] = [this.#results, this.#asked, this.#strays, this.#pong];
    if (results.length + calls.length + strays.length + pong === 0) return;
    this.#results = [];
    this.#asked = [];
    this.#strays = [];
    this.#pong = 0;
    const rest = { calls, pong, strays };
    try {
      this.#post({ kind: "done", ...packResults(results), ...rest });
    } catch (error) {
      // Only user values can fail to clone (metadata, tags): each result is then tried alone.
      for (const result of results) this.#postAlone(result, error);
      this.#post({ kind: "done", ...packResults([]), ...rest, calls: [] });
    }
  }

  #postAlone(result: HostResult, cause: unknown): void {
    const rest = { calls: [], pong: 0, strays: [] };
    try {
      this.#post({ kind: "done", ...packResults([result]), ...rest });
    } catch {
      const { id } = result;
      const failure = failureOf(cause);
      const failed = { id, outcomes: [], state: undefined, tags: undefined, failure };
      this.#post({ kind: "done", ...packResults([failed]), ...rest });
    }
  }
}

/** One line for why a module did not load; several mistakes of its syntax are told by the first. */
function loadError(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (typeof first !== "object" || first === null || !("message" in first)) return String(first);
  const at = "position" in first ? (first.position as { readonly line?: number } | null) : null;
  const line = at?.line ?? 0;
  const [text = ""] = String(first.message).split("\n");
  // That this file imports the modules is nobody's business.
  const plain = text.replace(/ imported from \S*actors\.worker\.\w+$/, "");
  return line > 0 ? `line ${line}: ${plain}` : plain;
}

const scope = globalThis as unknown as ThreadScope;
const postMessage = scope.postMessage.bind(scope);
const post = (frame: FrameFromThread): void =>
  postMessage(frame, frame.kind === "done" ? [frame.bytes] : []);
// Actors share the thread with this code; what they post by mistake must not be taken for a result.
Object.defineProperty(globalThis, "postMessage", { value: undefined });
const thread = new ActorThread(post);
scope.addEventListener("message", ({ data }) => thread.receive(data));
// Without listeners an error that no turn takes would end the thread and every turn on it.
process.on("uncaughtException", (error) => thread.stray(error));
process.on("unhandledRejection", (reason) => thread.stray(reason));
