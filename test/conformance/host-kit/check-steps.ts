import type { ActorId } from "../../../src/domain/actor.ts";
import type { Invocation } from "../../../src/domain/invocation.ts";
import type { HostInvocation, HostResult, TurnOutcome } from "../../../src/domain/turn.ts";
import { json, valueOf } from "./kit-actors.ts";
import type { KitServer } from "./kit-server.ts";
import type { RecordedLink } from "./recording-gate.ts";

/** How the host under test is reached: it opened a stream, or it is called. */
export type HostShape = "attached" | "dialled";

/** One thing that every host must do. `run` throws what is wrong. */
export interface Check {
  readonly name: string;
  /** Left out for hosts of the other shape. */
  readonly shape?: HostShape;
  run(kit: KitServer): Promise<void>;
}

/** Throws with both values unless they are equal as JSON. */
export function same(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 300)} instead of ${b?.slice(0, 300)}`);
}

/** An actor of the default system. */
export const actor = (key: string, type = "kit.counter"): ActorId => ({
  system: "default",
  type,
  key,
});

/** One turn: its action, its argument, and what else it brings. */
export type Step = readonly [action: string, value?: unknown, more?: Partial<Invocation>];

/** Runs some turns of one actor in one invocation. */
export function run(
  kit: KitServer,
  key: string,
  steps: readonly Step[],
  more: Partial<HostInvocation> = {},
): Promise<HostResult> {
  const id = actor(key);
  const turns = steps.map(([action, value, extra]) =>
    kit.actors.turn(
      id,
      action,
      value === undefined ? { type: "", data: new Uint8Array(0) } : json(value),
      extra,
    ),
  );
  return kit.actors.run(id, turns, more);
}

/** The reply of each turn as JSON. */
export const replies = (result: HostResult): unknown[] =>
  result.outcomes.map(({ reply }) => valueOf(reply));
/** Whether each turn changed something. */
export const changes = (result: HostResult): boolean[] =>
  result.outcomes.map(({ changed }) => changed);

/** The one outcome of an invocation with one turn. */
export function only(result: HostResult): TurnOutcome {
  const [outcome] = result.outcomes;
  if (result.failure !== undefined)
    throw new Error(`the invocation failed: ${result.failure.message}`);
  if (outcome === undefined) throw new Error("there is no outcome");
  return outcome;
}

/** The newest link that takes turns. */
export function newest(kit: KitServer): RecordedLink {
  const link = kit.gate.attached.at(-1);
  if (link === undefined) throw new Error("no host is attached");
  return link;
}
