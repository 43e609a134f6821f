import type { AccessPolicy, AccessQuestion, PartitionDecision } from "../contract/index.ts";
import { DEFAULT_READ_ACTIONS } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import type { CallSignal, Invocation, Invoker, Reply } from "../domain/invocation.ts";
import type { Hosts } from "./hosts.ts";
import type { Logger } from "./ports.ts";
import { typePathOf } from "./type-rules.ts";

/** The members that a call may be handed to. */
export interface RouterCluster extends Invoker {
  /** No other member is known. */
  readonly alone: boolean;
  /** Whether another member has a host of the type. */
  servesElsewhere(typePath: string): boolean;
}

export interface RouterOptions {
  readonly policy: AccessPolicy;
  readonly hosts: Hosts;
  readonly table: Invoker;
  /** Absent on a node that is no member of a cluster. */
  readonly cluster: RouterCluster | undefined;
  readonly log: Logger;
  /** New calls from outside are refused. */
  readonly refusing: () => boolean;
  /** Every call is refused. */
  readonly stopping: () => boolean;
  /** Of the store that a system lives in. */
  readonly partition: (system: string) => PartitionDecision;
  /** Told of each question that the policy threw on. */
  readonly policyFailed: () => void;
  /** Told of each refusal by policy, with the rule that decided. */
  readonly denied: (question: AccessQuestion, rule: string) => void;
}

/**
 * Room 2: every call passes here, whatever it came by. Asks the one policy, refuses what the node
 * cannot take now, and hands the call to where the actor lives.
 */
export class Router implements Invoker {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { caller, actor, action } = invocation;
    const { cluster, table } = this.#options;
    const denied = this.authorize({ kind: "invoke", caller, target: actor, action });
    if (denied !== undefined) return Promise.reject(denied);
    if (cluster === undefined || cluster.alone) {
      const refused = this.#refusal(invocation) ?? this.#unservable(invocation, false);
      return refused === undefined ? table.invoke(invocation, signal) : Promise.reject(refused);
    }
    // A node that drains still passes on what others have taken over.
    const refused = this.#closed(invocation) ?? this.#unservable(invocation, true);
    return refused === undefined ? cluster.invoke(invocation, signal) : Promise.reject(refused);
  }

  /** A call that belongs here, from this door or that of another member, where it was authorised. */
  take(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const refused = this.#refusal(invocation) ?? this.#unservable(invocation, false);
    return refused === undefined
      ? this.#options.table.invoke(invocation, signal)
      : Promise.reject(refused);
  }

  /**
   * The one authorisation function. Returns the refusal, or `undefined` if the policy allows it. A
   * policy that throws denies.
   */
  authorize(question: AccessQuestion): ServerError | undefined {
    const rule = this.#denial(question);
    if (rule === undefined) return undefined;
    this.#options.denied(question, rule);
    return new ServerError("access.denied", "the caller may not do this", "not_started", {
      reason: "ACCESS_DENIED",
    });
  }

  /** The same for what nobody asked for by name, such as the rows of a listing: no refusal is told. */
  allows(question: AccessQuestion): boolean {
    return this.#denial(question) === undefined;
  }

  #denial(question: AccessQuestion): string | undefined {
    try {
      const decision = this.#options.policy.decide(question);
      return decision.allowed === true ? undefined : decision.rule;
    } catch (error) {
      this.#options.log.error("acl.error", { error });
      this.#options.policyFailed();
      return "the policy failed";
    }
  }

  #refusal(invocation: Invocation): ServerError | undefined {
    // Turns that still run may finish what they began, so their own calls pass while draining.
    if (this.#options.refusing() && invocation.chain.length === 0) return draining();
    return this.#closed(invocation);
  }

  /** Why not even a call that is passed on may go through. */
  #closed(invocation: Invocation): ServerError | undefined {
    const { stopping, partition } = this.#options;
    if (stopping()) return draining();
    const decision = partition(invocation.actor.system);
    if (decision.kind === "serve") return undefined;
    return new ServerError("node.partitioned", decision.reason, "not_started", {
      reason: "PARTITIONED",
      retryAfterMs: 1_000,
    });
  }

  #unservable(invocation: Invocation, anywhere: boolean): ServerError | undefined {
    const { actor, action, operation } = invocation;
    const typePath = typePathOf(actor);
    const { hosts, cluster } = this.#options;
    const spec = hosts.spec(typePath);
    if (spec === undefined) {
      return new ServerError(
        "actor.unknown",
        `no actor type ${typePath} is registered`,
        "not_started",
        { reason: "TYPE_UNKNOWN" },
      );
    }
    if (operation !== undefined || spec.openActions) return undefined;
    // A type that defines one of them defines all that it has.
    const own = spec.actions.some(({ name }) => DEFAULT_READ_ACTIONS.has(name));
    if (!own && DEFAULT_READ_ACTIONS.has(action)) return undefined;
    if (!spec.actions.some((known) => known.name === action)) {
      return new ServerError(
        "actor.unknown",
        `actor type ${typePath} has no such action`,
        "not_started",
        { reason: "ACTION_UNKNOWN" },
      );
    }
    if (hosts.hasHost(typePath)) return undefined;
    if (anywhere && cluster?.servesElsewhere(typePath) === true) return undefined;
    return new ServerError(
      "host.unavailable",
      `no host of actor type ${typePath} is attached`,
      "not_started",
      { reason: "HOST_ABSENT", retryAfterMs: 500 },
    );
  }
}

function draining(): ServerError {
  return new ServerError("node.draining", "the node is draining", "not_started", {
    reason: "DRAINING",
    retryAfterMs: 500,
  });
}
