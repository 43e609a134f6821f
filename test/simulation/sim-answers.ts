import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import { toServerError } from "../../src/domain/error.ts";
import type { Reply } from "../../src/domain/invocation.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Heard, Op } from "./history.ts";
import type { Marks } from "./marks.ts";
import { fromPayload } from "./sim-actors.ts";
import type { Violation } from "./violation.ts";

export interface SimAnswersOptions {
  readonly name: string;
  readonly log: CommitLog;
  readonly marks: Marks;
  readonly violations: Violation[];
}

/**
 * What one life of a node answers, checked as it does: nothing before its commit, and nothing older
 * than it has shown before the call came.
 */
export class SimAnswers {
  readonly #options: SimAnswersOptions;
  readonly #shown = new Map<string, number>();

  constructor(options: SimAnswersOptions) {
    this.#options = options;
  }

  /** The newest revision of the actor that was answered with. */
  shown(actor: ActorId): number {
    return this.#shown.get(actorPath(actor)) ?? 0;
  }

  /**
   * One reply. `session`: of the node in the actor's store now; `floor`: what it had shown of the actor
   * when the call came.
   */
  replied(op: Op, reply: Reply, session: number | undefined, floor: number): Heard {
    const { log, marks, violations, name } = this.#options;
    if (!reply.replayed && reply.revision < floor) {
      const message = `${op.id} was answered revision ${reply.revision} by a node that had shown ${floor}`;
      violations.push({ checker: "replies", message });
    }
    const path = actorPath(op.actor);
    this.#shown.set(path, Math.max(this.#shown.get(path) ?? 0, reply.revision));
    if (reply.revision > log.revision(op.actor)) {
      const message = `${op.id} was answered revision ${reply.revision} before its commit`;
      violations.push({ checker: "replies", message });
    }
    if (reply.replayed) {
      marks.hit("reply replayed");
      const recorder = log.recordedBy(op.actor, op.requestId);
      if (recorder !== undefined && recorder !== session)
        marks.hit("reply replayed after failover");
    }
    const { revision, replayed, payload } = reply;
    const value = fromPayload(payload);
    return { kind: "ok", stamp: 0, value, revision, replayed, node: name };
  }

  refused(op: Op, cause: unknown): Heard {
    const { marks, violations, name } = this.#options;
    const { code, outcome, details, message } = toServerError(cause);
    if (code === "internal.bug") {
      violations.push({ checker: "replies", message: `${op.id}: ${message}: ${String(cause)}` });
    }
    if (code === "actor.exists") {
      marks.hit("shredded reply refused");
      if (this.#options.log.recordedBy(op.actor, op.requestId) === undefined) {
        violations.push({ checker: "replies", message: `${op.id} was called applied and is not` });
      }
    }
    if (code === "mailbox.full") marks.hit("mailbox full");
    if (code === "call.deadline") marks.hit("deadline passed");
    if (code === "call.canceled") marks.hit("call taken back");
    if (code === "host.failed") marks.hit("turn failed");
    if (code === "request.id_conflict") marks.hit("id conflict refused");
    if (code === "routing.not_owner") marks.hit("turned away to the owner");
    if (code === "state.fenced" && (op.action === "get" || op.action === "read")) {
      marks.hit("read refused by its fence");
    }
    return { kind: "error", stamp: 0, code, outcome, owner: details.owner, node: name };
  }
}
