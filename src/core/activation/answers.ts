import type { ServerError } from "../../domain/error.ts";
import { type Answer, type Call, sameDigest } from "./call.ts";
import type { ActivationEffect } from "./effects.ts";
import { outcomes } from "./outcomes.ts";

/**
 * Gives each call exactly one answer, and equal calls (same request id) the same one. Collects the
 * effects of a step.
 */
export class Answers {
  /** Calls with a request id that are under way, by that id. */
  readonly #underWay = new Map<string, Call>();
  readonly #maxFollowers: number;
  #effects: ActivationEffect[] = [];

  constructor(maxFollowers: number) {
    this.#maxFollowers = maxFollowers;
  }

  /** Begins a step: effects go into a new list, which is returned by `collected`. */
  begin(): void {
    this.#effects = [];
  }

  get collected(): readonly ActivationEffect[] {
    return this.#effects;
  }

  effect(effect: ActivationEffect): void {
    this.#effects.push(effect);
  }

  /** The call under way with this request id. */
  underWay(requestId: string): Call | undefined {
    return this.#underWay.get(requestId);
  }

  enter(call: Call): void {
    const { requestId } = call.invocation;
    if (requestId !== "") this.#underWay.set(requestId, call);
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
    if (call.phase !== "done") this.#effects.push({ kind: "reply", call, reply });
    call.phase = "done";
    const { followers } = call;
    if (followers === undefined) return;
    call.followers = undefined;
    for (const follower of followers) {
      if (follower.phase === "done") continue;
      follower.phase = "done";
      this.#effects.push({ kind: "reply", call: follower, reply: { ...reply, replayed: true } });
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
    for (const call of [...this.#underWay.values()]) this.reject(call, error);
  }

  /** Answers this call alone; those that follow it go on waiting. */
  refuse(call: Call, error: ServerError): void {
    if (call.phase === "done") return;
    call.phase = "done";
    this.#effects.push({ kind: "reject", call, error });
  }

  forget(call: Call): void {
    const { requestId } = call.invocation;
    if (requestId !== "" && this.#underWay.get(requestId) === call)
      this.#underWay.delete(requestId);
  }
}
