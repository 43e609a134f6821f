import type { ActorId } from "../../src/domain/actor.ts";
import type { Prng } from "../support/prng.ts";
import type { FaultPlan } from "./fault-plan.ts";
import { type Attempt, fateOf, firstOk, type Heard, type Op } from "./history.ts";
import type { Scheduler, SimProcess } from "./scheduler.ts";
import type { SimNode } from "./sim-node.ts";

function isShred(action: string): boolean {
  return action === "shred" || action === "erase";
}

/** What a client works with. */
export interface SimClientOptions {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly nodes: readonly SimNode[];
  readonly actors: readonly ActorId[];
  readonly history: Op[];
  readonly faults: () => FaultPlan;
  readonly untilMs: number;
}

/** `shred` is the host's and `erase` the server's own; both leave the register without a value. */
const REGISTER_ACTIONS = [
  ...["read", "read", "read", "read", "write", "write", "cas", "cas", "cas", "cas"],
  ...["shred", "erase"],
];
const THINK_MS = 120;
const TIMEOUT_MS = 1_200;
const MAX_ATTEMPTS = 6;

/**
 * A client: one operation after another on some actor, sometimes a burst, sometimes the same call
 * twice. It follows an answer that names the owner, and repeats what is unknown with the same request
 * id, if it gave one.
 */
export class SimClient {
  readonly #options: SimClientOptions;
  readonly #process: SimProcess;
  readonly #home = new Map<ActorId, number>();
  readonly #seen = new Map<ActorId, string | null>();
  #made = 0;
  #open = 0;
  #last: Op | undefined;

  constructor(options: SimClientOptions) {
    this.#options = options;
    this.#process = options.scheduler.process(options.name);
    this.#think();
  }

  /** Operations that are not over. */
  get open(): number {
    return this.#open;
  }

  /** Sends one operation, to `node` first; `tries` bounds its attempts. */
  send(actor: ActorId, action: string, node: number, tries: number): Op {
    const { random } = this.#options;
    const argument = this.#argument(actor, action);
    const isRead = action === "get" || action === "read";
    const named = random.unit() < (isRead ? 0.3 : 0.75);
    const requestId = named ? `${this.#options.name}-${this.#made}` : "";
    const op = this.#op(actor, action, argument, requestId, false);
    this.#attempt(op, node, tries);
    return op;
  }

  #think(): void {
    const { scheduler, random, untilMs } = this.#options;
    scheduler.after(2 * THINK_MS * random.unit(), this.#process, () => {
      if (scheduler.nowMs > untilMs) return;
      if (this.#open < 8) this.#next();
      this.#think();
    });
  }

  #next(): void {
    const { random, actors, faults, nodes } = this.#options;
    const actor = random.pick(actors);
    const node = this.#home.get(actor) ?? random.below(nodes.length);
    if (random.unit() < faults().idConflict) this.#abuse(node);
    const count = random.unit() < faults().burst ? 4 + random.below(12) : 1;
    for (let i = 0; i < count; i += 1) {
      const to = random.unit() < 0.2 ? random.below(nodes.length) : node;
      this.#last = this.send(actor, this.#action(actor), to, MAX_ATTEMPTS);
    }
  }

  /** Uses the request id of an operation that has succeeded for another one. */
  #abuse(node: number): void {
    const last = this.#last;
    if (last === undefined || last.requestId === "" || firstOk(last) === undefined) return;
    const { actor, requestId } = last;
    const action = actor.type === "counter" ? "add" : "write";
    const op = this.#op(actor, action, this.#argument(actor, action), requestId, true);
    this.#attempt(op, node, 1);
  }

  #action(actor: ActorId): string {
    const { random } = this.#options;
    if (actor.type === "register") return random.pick(REGISTER_ACTIONS);
    return random.pick(["add", "add", "add", "add", "get", "get", "refuse"]);
  }

  #argument(actor: ActorId, action: string): unknown {
    this.#made += 1;
    const unique = `${this.#options.name}.${this.#made}`;
    if (action === "get" || action === "read" || isShred(action)) return null;
    return action === "cas" ? [this.#seen.get(actor) ?? null, unique] : unique;
  }

  #op(actor: ActorId, action: string, argument: unknown, requestId: string, isAbuse: boolean): Op {
    const { scheduler, history, name } = this.#options;
    const op: Op = {
      id: `${name}.${this.#made}:${action}`,
      actor,
      action,
      argument,
      requestId,
      isAbuse,
      callStamp: scheduler.stamp(),
      attempts: [],
    };
    history.push(op);
    this.#open += 1;
    return op;
  }

  #attempt(op: Op, node: number, tries: number): void {
    const { random, nodes, faults, scheduler } = this.#options;
    const { duplicate, cancel, shortDeadline } = faults();
    const timeoutMs = random.unit() < shortDeadline ? 12 * random.unit() : TIMEOUT_MS;
    const cancelMs = random.unit() < cancel ? 10 * random.unit() : 0;
    const copies = op.requestId !== "" && random.unit() < duplicate ? 2 : 1;
    const attempts: Attempt[] = [];
    let settled = false;
    const settle = (proceed: () => void): void => {
      if (settled) return;
      settled = true;
      stopWaiting();
      proceed();
    };
    const next = (): void => settle(() => this.#again(op, attempts[0]?.heard[0], node, tries - 1));
    const stopWaiting = scheduler.after(timeoutMs + 300, this.#process, next);
    const heard = (): void => {
      const ok = firstOk(op);
      if (ok !== undefined) settle(() => this.#succeeded(op, node, ok.value));
      else if (attempts.every((attempt) => attempt.heard.length > 0)) next();
    };
    for (let i = 0; i < copies; i += 1) {
      const to = i === 0 || random.unit() < 0.5 ? node : random.below(nodes.length);
      attempts.push(this.#deliver(op, to, timeoutMs, i === 0 ? cancelMs : 0, heard));
    }
  }

  #deliver(op: Op, node: number, timeoutMs: number, cancelMs: number, heard: () => void): Attempt {
    const target = this.#options.nodes[node % this.#options.nodes.length] as SimNode;
    const attempt: Attempt = { node: target.name, heard: [] };
    op.attempts.push(attempt);
    target.receive({ op, attempt, client: this.#process, timeoutMs, cancelMs, heard });
    return attempt;
  }

  #again(op: Op, answer: Heard | undefined, node: number, triesLeft: number): void {
    const { scheduler, random, nodes } = this.#options;
    const mayRepeat = op.action !== "refuse" && (op.requestId !== "" || fateOf(op) === "failed");
    // It was applied, and nobody will say any more than that.
    const isShredded = answer?.kind === "error" && answer.code === "actor.exists";
    if (triesLeft <= 0 || !mayRepeat || op.isAbuse || isShredded) return this.#over();
    const owner = answer?.kind === "error" ? answer.owner : undefined;
    const named = nodes.findIndex(({ name }) => name === owner);
    const next = named >= 0 ? named : random.unit() < 0.5 ? node : random.below(nodes.length);
    const waitMs = named >= 0 ? 1 : 20 + 150 * random.unit();
    scheduler.after(waitMs, this.#process, () => this.#attempt(op, next, triesLeft));
  }

  #succeeded(op: Op, node: number, value: unknown): void {
    this.#home.set(op.actor, node);
    if (op.action === "read") this.#seen.set(op.actor, value as string | null);
    if (isShred(op.action)) this.#seen.set(op.actor, null);
    if (op.action === "write") this.#seen.set(op.actor, String(op.argument));
    if (op.action === "cas" && value === true) {
      this.#seen.set(op.actor, (op.argument as readonly [unknown, string])[1]);
    }
    this.#over();
  }

  #over(): void {
    this.#open -= 1;
  }
}
