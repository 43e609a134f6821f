/** The address of an actor. `system` is the namespace; a named actor's key is its name. */
export interface ActorId {
  readonly system: string;
  readonly type: string;
  readonly key: string;
}

/** Longest system, type and action in bytes (ASCII), and longest key in bytes (UTF-8). */
export const NAME_LIMIT_BYTES = 63;
export const KEY_LIMIT_BYTES = 255;
export const REQUEST_ID_LIMIT_BYTES = 128;

/** The system of what a server keeps for itself in its store. */
export const INTERNAL_SYSTEM = "troupe-internal";

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** Whether `text` may name a system, type, action or channel. */
export function isName(text: string): boolean {
  return text.length <= NAME_LIMIT_BYTES && NAME.test(text) && !text.includes("..");
}

/** One injective string per actor: system and type hold no `/`, so the first two separate. */
export function actorPath(id: ActorId): string {
  return `${id.system}/${id.type}/${id.key}`;
}

/** True if both name the same actor. */
export function sameActor(a: ActorId, b: ActorId): boolean {
  return a.key === b.key && a.type === b.type && a.system === b.system;
}

/** How an actor type lives (`docs/ARCHITECTURE.md`, kinds of actor). */
export type ActorKind = "named" | "unnamed" | "pooled" | "task" | "projection";

/** `commit`: acknowledged after the commit. `snapshot`: write-behind, the reply says so. */
export type Durability = "commit" | "snapshot";

/** Which past states are kept. */
export type HistoryPolicy =
  | { readonly kind: "none" }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "duration"; readonly ms: number }
  | { readonly kind: "all" };

/** One action that a type registers. */
export interface ActionSpec {
  readonly name: string;
  /** Declared to change nothing: writes nothing, and a change it reports is refused. */
  readonly readOnly: boolean;
}

/** What a host registers: a type, its settings and its actions. Durations in milliseconds. */
export interface ActorTypeSpec {
  readonly system: string;
  readonly type: string;
  readonly kind: ActorKind;
  readonly stateful: boolean;
  readonly durability: Durability;
  readonly actions: readonly ActionSpec[];
  /** A type with `openActions` accepts any action name; `actions` then only adds settings. */
  readonly openActions: boolean;
  readonly deactivationTimeoutMs: number;
  readonly reentrant: boolean;
  readonly reads: "fenced" | "leased";
  readonly history: HistoryPolicy;
  /** Payload type of the state: `application/json` or a protobuf type URL. */
  readonly stateType: string;
  readonly mailboxCalls: number;
  readonly mailboxBytes: number;
}

/** The actions that answer the state unless the type registers one of them itself. */
export const DEFAULT_READ_ACTIONS: ReadonlySet<string> = new Set([
  "get",
  "Get",
  "get_state",
  "getState",
  "GetState",
]);
