import type { ActionSpec, ActorKind, ActorTypeSpec, HistoryPolicy } from "../../domain/actor.ts";
import { ServerError } from "../../domain/error.ts";
import { JSON_TYPE } from "../../domain/invocation.ts";
import {
  type ActorType,
  ActorKind as WireKind,
  Durability as WireDurability,
  Reads as WireReads,
} from "../../gen/troupe/v1/host_pb.ts";
import { checkedDurationMs } from "../gates/deadline.ts";
import { checkName, DEFAULT_SYSTEM } from "../gates/ids.ts";
import { unsupported } from "../gates/refusal.ts";

/** Most types of one host, and most actions of one type. */
const MOST_TYPES = 1_000;
const MOST_ACTIONS = 1_000;
const LONGEST_STATE_TYPE = 255;
/** Longest time that a timer of the runtime can wait. */
const MOST_MS = 2 ** 31 - 1;
const STATE_TYPE = /^[!-~]+\/[!-~]+$/;

const KINDS: Readonly<Partial<Record<number, ActorKind>>> = {
  [WireKind.UNSPECIFIED]: "unnamed",
  [WireKind.UNNAMED]: "unnamed",
  [WireKind.NAMED]: "named",
  [WireKind.POOLED]: "pooled",
  [WireKind.TASK]: "task",
  [WireKind.PROJECTION]: "projection",
};
const DURABILITIES: Readonly<Partial<Record<number, ActorTypeSpec["durability"]>>> = {
  [WireDurability.UNSPECIFIED]: "commit",
  [WireDurability.COMMIT]: "commit",
  [WireDurability.SNAPSHOT]: "snapshot",
};
const READS: Readonly<Partial<Record<number, ActorTypeSpec["reads"]>>> = {
  [WireReads.UNSPECIFIED]: "fenced",
  [WireReads.FENCED]: "fenced",
  [WireReads.LEASED]: "leased",
};

function invalid(message: string, reason: string): ServerError {
  return new ServerError("request.invalid", message, "not_started", { reason });
}

/** The value of a table of enum values; one of a later version is refused rather than guessed. */
function known<T>(table: Readonly<Partial<Record<number, T>>>, value: number, what: string): T {
  const found = table[value];
  if (found === undefined)
    throw invalid(`the ${what} of an actor type is not known`, "UNKNOWN_ENUM");
  return found;
}

/**
 * What a host registers, checked; what it leaves to the server is 0. Throws `ServerError`:
 * `request.invalid`, or `plugin.unsupported` for a setting that would be without effect here.
 */
export function checkedTypes(types: readonly ActorType[]): ActorTypeSpec[] {
  if (types.length > MOST_TYPES) {
    throw invalid(`a host registers at most ${MOST_TYPES} types`, "TOO_MANY_TYPES");
  }
  const specs = types.map(checkedType);
  const names = new Set(specs.map(({ system, type }) => `${system}/${type}`));
  if (names.size !== specs.length)
    throw invalid("an actor type is registered twice", "DUPLICATE_TYPE");
  return specs;
}

function checkedType(type: ActorType): ActorTypeSpec {
  const system = type.system === "" ? DEFAULT_SYSTEM : type.system;
  checkName(system);
  checkName(type.type);
  refuseUnsupported(type);
  return {
    system,
    type: type.type,
    kind: known(KINDS, type.kind, "kind"),
    stateful: !type.stateless,
    durability: known(DURABILITIES, type.durability, "durability"),
    actions: checkedActions(type),
    openActions: type.openActions,
    deactivationTimeoutMs: milliseconds(type.deactivationTimeout) ?? 0,
    reentrant: type.reentrant,
    reads: known(READS, type.reads, "reads"),
    history: history(type),
    stateType: checkedStateType(type.stateType),
    mailboxCalls: type.mailboxCalls,
    mailboxBytes: bytes(type.mailboxBytes),
  };
}

function refuseUnsupported(type: ActorType): void {
  const asked: readonly (readonly [string, boolean])[] = [
    ["snapshot_timeout", type.snapshotTimeout !== undefined],
    ["init_action", type.initAction !== ""],
    ["min_pool", type.minPool !== 0],
    ["max_pool", type.maxPool !== 0],
    ["requires_tags", Object.keys(type.requiresTags).length > 0],
    ["channels", type.channels.length > 0],
    ["sourceable", type.sourceable],
    ["names", type.names.length > 0],
    ["timer", type.actions.some(({ timer }) => timer !== undefined)],
  ];
  const found = asked.find(([, wanted]) => wanted);
  if (found === undefined) return;
  throw unsupported(
    `actor type ${type.type} asks for ${found[0]}, which this server does not offer`,
    "SETTING_UNSUPPORTED",
  );
}

function checkedActions(type: ActorType): readonly ActionSpec[] {
  if (type.actions.length > MOST_ACTIONS) {
    throw invalid(`an actor type has at most ${MOST_ACTIONS} actions`, "TOO_MANY_ACTIONS");
  }
  const names = new Set<string>();
  return type.actions.map(({ name, readOnly }) => {
    checkName(name);
    if (names.has(name)) throw invalid("an action is registered twice", "DUPLICATE_ACTION");
    names.add(name);
    return { name, readOnly };
  });
}

function checkedStateType(stateType: string): string {
  if (stateType === "") return JSON_TYPE;
  if (stateType.length > LONGEST_STATE_TYPE || !STATE_TYPE.test(stateType)) {
    throw invalid("the state type is neither application/json nor a type URL", "STATE_TYPE");
  }
  return stateType;
}

function history({ history }: ActorType): HistoryPolicy {
  const keep = history?.keep;
  switch (keep?.case) {
    case "last":
      return keep.value === 0 ? { kind: "none" } : { kind: "last", count: keep.value };
    case "duration":
      return { kind: "duration", ms: milliseconds(keep.value) ?? 0 };
    case "all":
      return keep.value ? { kind: "all" } : { kind: "none" };
    default:
      return { kind: "none" };
  }
}

interface Duration {
  readonly seconds: bigint;
  readonly nanos: number;
}

function milliseconds(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const ms = checkedDurationMs(Number(duration.seconds) * 1000 + duration.nanos / 1e6);
  if (ms > MOST_MS) throw invalid("a duration of an actor type is too long", "DURATION");
  return ms === 0 ? undefined : ms;
}

function bytes(value: bigint): number {
  return Number(value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : value);
}
