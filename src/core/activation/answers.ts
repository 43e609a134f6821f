import type { ServerError } from "../../domain/error.ts";
import { type Answer, type Call, sameDigest } from "./call.ts";
import type { ActivationEffect } from "./effects.ts";
import { outcomes } from "./outcomes.ts";

const NO_EFFECTS: readonly ActivationEffect[] = [];

/**
 * Gives each call exactly one answer, and equal calls (same request id) the same one. Collects the
 * effects of a step.
 */
export class Answers {
  /** Calls with a request id that are under way, by that id; made when there is one. */
  #underWay: Map<string, Call> | undefined;
  readonly #maxFollowers: number;
  #effects: ActivationEffect[] | undefined;

  constructor(maxFollowers: number) {
    this.#maxFollowers = maxFollowers;
  }

  /** Lets go of what was collected: an idle activation must not hold on to its last call. */
  begin(): void {
    this.#effects = undefined;
  }

  /** The effects since `begin`. */
  get collected(): readonly ActivationEffect[] {
    return this.#effects ?? NO_EFFECTS;
  }

  effect(effect: ActivationEffect): void {
    this.#effects ??= [];
    this.#effects.push(effect);
  }

  /** The call under way with this request id. */
  underWay(requestId: string): Call | undefined {
    return this.#underWay?.get(requestId);
  }

  enter(call: Call): void {
    const { requestId } = call.invocation;
    if (requestId === "") return;
    this.#underWay ??= new Map();
    this.#underWay.set(requestId, call);
  }

  /** An equal call is under way: this one waits for the same answer. */
  follow(first: Call, call: Call): void {
    if (!sameDigest(first.digest, call.digest)) return this.reject(call, outcomes.idConflict());
    first.followers ??= [];
    if (first.followers.length >= this.#maxFollowers) {
      return this.reject(call, outcomes.mailboxFull());
    }
    call.phase = "following";
    first.followers.push(call);
  }

  /** The first of equal calls was taken back before it started: the next one takes its place. */
  heirOf(call: Call): Call | undefined {
    const followers = call.followers ?? [];
    call.followers = undefined;
    const heir = followers.find((follower) => follower.phase === "following");
    if (heir === undefined) return undefined;
    heir.followers = followers.filter((follower) => follower !== heir);
    heir.phase = "queued";
    heir.checked = call.checked;
    this.enter(heir);
    return heir;
  }

  /** Lets an answer go. */
  give(answer: Answer): void {
    if (answer.kind === "reject") return this.reject(answer.call, answer.error);
    const { call, reply } = answer;
    this.forget(call);
    if (call.phase !== "done") this.effect({ kind: "reply", call, reply });
    call.phase = "done";
    const { followers } = call;
    if (followers === undefined) return;
    call.followers = undefined;
    for (const follower of followers) {
      if (follower.phase === "done") continue;
      follower.phase = "done";
      this.effect({ kind: "reply", call: follower, reply: { ...reply, replayed: true } });
    }
  }

  reject(call: Call, error: ServerError): void {
    this.forget(call);
    this.refuse(call, error);
    const { followers } = call;
    if (followers === undefined) return;
    call.followers = undefined;
    for (const follower of followers) this.refuse(follower, error);
  }

  rejectAll(calls: readonly Call[], error: ServerError): void {
    for (const call of calls) this.reject(call, error);
  }

  rejectAnswers(answers: readonly Answer[], error: ServerError): void {
    for (const answer of answers) this.reject(answer.call, error);
  }

  /** Answers whatever is still under way: calls whose recorded reply is being looked up. */
  rejectEvery(error: ServerError): void {
    for (const call of [...(this.#underWay?.values() ?? [])]) this.reject(call, error);
  }

  /** Gives a call that waits, and those that follow it, back to the driver, as if they had just come. */
  handBack(call: Call): void {
    this.forget(call);
    const { followers = [] } = call;
    call.followers = undefined;
    for (const one of [call, ...followers]) {
      if (one.phase === "done") continue;
      one.phase = "queued";
      one.checked = false;
      this.effect({ kind: "requeue", call: one });
    }
  }

  /** Answers this call alone; those that follow it go on waiting. */
  refuse(call: Call, error: ServerError): void {
    if (call.phase === "done") return;
    call.phase = "done";
    this.effect({ kind: "reject", call, error });
  }

  forget(call: Call): void {
    const { requestId } = call.invocation;
    const underWay = requestId === "" ? undefined : this.#underWay;
    if (underWay?.get(requestId) !== call) return;
    if (underWay.size === 1) this.#underWay = undefined;
    else underWay.delete(requestId);
  }
}
