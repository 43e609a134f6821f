import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ActorTypeSpec, HistoryPolicy } from "../domain/actor.ts";
import { ActorKind, type ActorTypeSchema, Durability, Reads } from "../gen/troupe/v1/host_pb.ts";

const KINDS = {
  named: ActorKind.NAMED,
  unnamed: ActorKind.UNNAMED,
  pooled: ActorKind.POOLED,
  task: ActorKind.TASK,
  projection: ActorKind.PROJECTION,
} as const;

/** What is registered for an actor type. */
export function typeMessage(spec: ActorTypeSpec): MessageInitShape<typeof ActorTypeSchema> {
  return {
    system: spec.system,
    type: spec.type,
    kind: KINDS[spec.kind],
    stateless: !spec.stateful,
    actions: spec.actions.map(({ name, readOnly }) => ({ name, readOnly })),
    openActions: spec.openActions,
    durability: spec.durability === "snapshot" ? Durability.SNAPSHOT : Durability.COMMIT,
    deactivationTimeout: durationFromMs(spec.deactivationTimeoutMs),
    reentrant: spec.reentrant,
    reads: spec.reads === "leased" ? Reads.LEASED : Reads.FENCED,
    history: historyMessage(spec.history),
    stateType: spec.stateType,
    mailboxCalls: spec.mailboxCalls,
    mailboxBytes: BigInt(spec.mailboxBytes),
  };
}

function historyMessage(
  history: HistoryPolicy,
): NonNullable<MessageInitShape<typeof ActorTypeSchema>["history"]> {
  switch (history.kind) {
    case "none":
      return { keep: { case: undefined } };
    case "last":
      return { keep: { case: "last", value: history.count } };
    case "duration":
      return { keep: { case: "duration", value: durationFromMs(history.ms) } };
    case "all":
      return { keep: { case: "all", value: true } };
  }
}
