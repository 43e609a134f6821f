import { type ActorTypeSpec, KEY_LIMIT_BYTES } from "../../domain/actor.ts";
import type { Actor } from "../../sdk/actor.ts";
import { actorTypeSpec } from "../../sdk/actor-spec.ts";

/** An actor that a module exports, with what it registers. */
export interface ModuleActor {
  readonly actor: Actor;
  readonly spec: ActorTypeSpec;
  /** File and export, for messages. */
  readonly origin: string;
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}$/;
const NAME_RULE = "1 to 63 of A-Z a-z 0-9 _ . - and not begin with a dot";

type Check = (value: unknown, actor: Readonly<Record<string, unknown>>) => string | undefined;

const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value) ? undefined : `must be one of ${allowed.join(", ")}`;

const atLeast =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least
      ? undefined
      : `must be a whole number of at least ${least}`;

/** Every setting of an actor with what is wrong with a value, if anything. */
const SETTINGS: Readonly<Record<keyof Actor, Check>> = {
  type: (value) => (isName(value) ? undefined : `must be ${NAME_RULE}`),
  name: (value) =>
    typeof value === "string" && value !== "" && utf8Length(value) <= KEY_LIMIT_BYTES
      ? undefined
      : `must be a text of 1 to ${KEY_LIMIT_BYTES} bytes`,
  initial: checkInitial,
  actions: checkActions,
  readOnly: (value, { actions }) => {
    if (!Array.isArray(value)) return "must be a list of action names";
    const unknown = value.find((name) => !isObject(actions) || !Object.hasOwn(actions, name));
    return unknown === undefined ? undefined : `names ${String(unknown)}, which is no action`;
  },
  durability: oneOf("commit", "snapshot"),
  deactivationTimeoutMs: atLeast(1),
  reentrant: oneOf(true, false),
  reads: oneOf("fenced", "leased"),
  history: checkHistory,
  mailboxCalls: atLeast(1),
  mailboxBytes: atLeast(1),
};

/**
 * The actors among the exports of a module. `problems` has one line per mistake, each naming file
 * and export; exports that do not look like actors are none of ours.
 */
export function readActors(
  file: string,
  exports: Readonly<Record<string, unknown>>,
  system: string,
): { readonly actors: readonly ModuleActor[]; readonly problems: readonly string[] } {
  const actors: ModuleActor[] = [];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(exports)) {
    const looksLikeActor = isObject(value) && "type" in value && "actions" in value;
    if (name !== "default" && !looksLikeActor) continue;
    const origin = `${file}, export ${name}`;
    const wrong = isObject(value) ? mistakes(value) : ["must be an object { type, actions, … }"];
    problems.push(...wrong.map((text) => `${origin}: ${text}`));
    if (wrong.length > 0) continue;
    const actor = value as unknown as Actor;
    actors.push({ actor, spec: actorTypeSpec(actor, system), origin });
  }
  if (actors.length === 0 && problems.length === 0) {
    problems.push(`${file}: exports no actor; write export default { type, initial, actions }`);
  }
  return { actors, problems };
}

function mistakes(actor: Readonly<Record<string, unknown>>): string[] {
  const found: string[] = [];
  for (const required of ["type", "actions"]) {
    if (actor[required] === undefined) found.push(`${required} is missing`);
  }
  for (const [setting, value] of Object.entries(actor)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(SETTINGS, setting) ? SETTINGS[setting as keyof Actor] : undefined;
    const allowed = Object.keys(SETTINGS).join(", ");
    const wrong = check === undefined ? `is unknown; there are ${allowed}` : check(value, actor);
    if (wrong !== undefined) found.push(`${setting} ${wrong}`);
  }
  return found;
}

function checkActions(value: unknown): string | undefined {
  if (!isObject(value)) return "must be an object of functions";
  const entries = Object.entries(value);
  if (entries.length === 0) return "must have at least one action";
  for (const [name, action] of entries) {
    if (!isName(name)) return `has ${JSON.stringify(name)}; a name must be ${NAME_RULE}`;
    if (typeof action !== "function") return `has ${name}, which is no function`;
  }
  return undefined;
}

function checkInitial(value: unknown): string | undefined {
  if (typeof value === "function") return undefined;
  try {
    return JSON.stringify(value) === undefined ? "must be a JSON value or a function" : undefined;
  } catch {
    return "must be a JSON value or a function";
  }
}

function checkHistory(value: unknown): string | undefined {
  if (isObject(value)) {
    const { kind, count, ms } = value;
    if (kind === "none" || kind === "all") return undefined;
    if (kind === "last" && atLeast(1)(count, value) === undefined) return undefined;
    if (kind === "duration" && atLeast(1)(ms, value) === undefined) return undefined;
  }
  return 'must be { kind: "none" }, { kind: "all" }, { kind: "last", count } or { kind: "duration", ms }';
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
