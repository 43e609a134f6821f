import { actorPath, type ActorTypeSpec } from "../../../src/domain/actor.ts";
import { ServerError } from "../../../src/domain/error.ts";
import type { HostInvocation, HostResult } from "../../../src/domain/turn.ts";
import type { HostGate, HostLink, RunningTurn } from "../../../src/node/host-port.ts";

/** A link with what its host has said. */
export interface RecordedLink {
  readonly link: HostLink;
  readonly types: ActorTypeSpec[];
  readonly firstCredit: number;
  /** Turns that the host takes now. */
  credit: number;
  draining: boolean;
  lost: string | undefined;
  /** Size of each batch of results, in order. */
  readonly batches: number[];
  readonly running: Map<number, Running>;
}

interface Running {
  readonly invocation: HostInvocation;
  readonly resolve: (result: HostResult) => void;
  readonly reject: (error: ServerError) => void;
}

/** The node's side of host links: gives out what it is told to, keeps credit, and forgets nothing. */
export class RecordingGate implements HostGate {
  readonly links: RecordedLink[] = [];
  readonly #waiting: Running[] = [];

  /** Links that are there and take turns. */
  get attached(): RecordedLink[] {
    return this.links.filter(({ lost, draining }) => lost === undefined && !draining);
  }

  attach(link: HostLink, types: readonly ActorTypeSpec[], credit: number): void {
    this.links.push({
      link,
      types: [...types],
      firstCredit: credit,
      credit,
      draining: false,
      lost: undefined,
      batches: [],
      running: new Map(),
    });
    this.#dispatch();
  }

  /** Hands an invocation to the newest link with credit. Rejects if that link is lost. */
  execute(invocation: HostInvocation): Promise<HostResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ invocation, resolve, reject });
      this.#dispatch();
    });
  }

  cancel(id: number): void {
    for (const { link, running } of this.links) {
      const known = running.get(id);
      if (known === undefined) continue;
      running.delete(id);
      link.cancel(id);
      known.reject(new ServerError("call.canceled", "the check took it back", "not_applied"));
    }
  }

  results(link: HostLink, results: readonly HostResult[]): void {
    const record = this.#record(link);
    record.batches.push(results.length);
    for (const result of results) {
      record.running.get(result.id)?.resolve(result);
      record.running.delete(result.id);
    }
  }

  credit(link: HostLink, calls: number): void {
    this.#record(link).credit += calls;
    this.#dispatch();
  }

  draining(link: HostLink): void {
    this.#record(link).draining = true;
  }

  addTypes(link: HostLink, types: readonly ActorTypeSpec[]): void {
    this.#record(link).types.push(...types);
  }

  lost(link: HostLink, reason: string): void {
    const record = this.#record(link);
    if (record.lost !== undefined) throw new Error("a link is lost once");
    record.lost = reason;
    for (const { reject } of record.running.values()) {
      reject(new ServerError("host.unavailable", reason, "not_applied", { reason: "HOST_LOST" }));
    }
    record.running.clear();
  }

  turn(token: string): RunningTurn | undefined {
    for (const { link, running } of this.links) {
      for (const { invocation } of running.values()) {
        const turn = invocation.turns.find(({ turnId }) => this.token(link, turnId) === token);
        if (turn !== undefined)
          return { actorPath: actorPath(invocation.actor), invocation: turn.invocation };
      }
    }
    return undefined;
  }

  token(link: HostLink, turnId: number): string {
    return `${link.id}.${turnId}`;
  }

  #record(link: HostLink): RecordedLink {
    const record = this.links.find((one) => one.link === link);
    if (record === undefined) throw new Error("the link was never attached");
    return record;
  }

  #dispatch(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const turns = next.invocation.turns.length;
      const record = this.attached.findLast(({ credit }) => credit >= turns);
      if (record === undefined) return;
      this.#waiting.shift();
      record.credit -= turns;
      record.running.set(next.invocation.id, next);
      record.link.execute(next.invocation);
    }
  }
}
