import { Pattern, patternProblem } from "./pattern.ts";
import type { PolicyReason } from "./policy-problem.ts";
import {
  type ActorPattern,
  anyActor,
  type CallerPattern,
  type ChannelPattern,
} from "./policy-rule.ts";

/** What one item of a list says, or why it cannot be taken. */
export type Parsed<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "refused"; readonly reason: PolicyReason; readonly message: string };

/** What a policy may be called, so that audit lines stay readable. */
export const POLICY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const POLICY_NAME_RULE = "a name has up to 63 letters, digits, dots, dashes and underscores";

/** The kinds of caller that a pattern may name before its colon. */
const PRINCIPAL_KINDS: readonly string[] = [
  "anonymous",
  "client",
  "host",
  "peer",
  "admin",
  "system",
];

function ok<T>(value: T): Parsed<T> {
  return { kind: "ok", value };
}

function refused(reason: PolicyReason, message: string): Parsed<never> {
  return { kind: "refused", reason, message };
}

/** Any text with `*` in it. */
export function parsePattern(text: string): Parsed<Pattern> {
  const problem = patternProblem(text);
  return problem === undefined ? ok(new Pattern(text)) : refused(problem.reason, problem.message);
}

/** `*`, `<kind>:<id>`, `role:<name>` or `actor:<type>/<key>`. */
export function parseCaller(text: string): Parsed<CallerPattern> {
  if (isBadSpiffe(text)) {
    return refused("spiffe", `"${text}": a SPIFFE id has no dot segments, query or fragment`);
  }
  const parsed = parsePattern(text);
  if (parsed.kind === "refused") return parsed;
  if (text === "*") return ok({ kind: "anyone" });
  const colon = text.indexOf(":");
  const kind = colon < 0 ? "" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (kind !== "" && rest === "") return refused("empty_item", `"${text}" names nobody`);
  if (PRINCIPAL_KINDS.includes(kind)) return ok({ kind: "principal", principal: parsed.value });
  if (kind === "role") return ok({ kind: "role", role: new Pattern(rest) });
  if (kind === "actor") {
    const actor = parseTarget(rest);
    return actor.kind === "ok" ? ok({ kind: "actor", actor: actor.value }) : actor;
  }
  const kinds = [...PRINCIPAL_KINDS, "role", "actor"].join(", ");
  return refused("unknown_principal", `"${text}" does not begin with a kind of caller: ${kinds}`);
}

/** `*`, `<type>/<key>` in every system, or `<system>/<type>/<key>`, whose key may hold slashes. */
export function parseTarget(text: string): Parsed<ActorPattern> {
  const parsed = parsePattern(text);
  if (parsed.kind === "refused") return parsed;
  if (text === "*") return ok(anyActor());
  const parts = text.split("/");
  const [system = "", type = ""] = parts.length === 2 ? ["*", ...parts] : parts;
  const key = parts.slice(parts.length === 2 ? 1 : 2).join("/");
  if (parts.length < 2 || system === "" || type === "" || key === "") {
    return refused("target", `"${text}" is neither type/key nor system/type/key`);
  }
  return ok({ system: new Pattern(system), type: new Pattern(type), key: new Pattern(key) });
}

/** A channel, with `publish:` or `subscribe:` before it if only that is meant. */
export function parseChannel(text: string): Parsed<ChannelPattern> {
  const [, operation, channel = ""] = /^(?:(publish|subscribe):)?(.*)$/su.exec(text) ?? [];
  const parsed = parsePattern(channel);
  if (parsed.kind === "refused") return parsed;
  return ok({
    operation: operation === "publish" || operation === "subscribe" ? operation : undefined,
    channel: parsed.value,
  });
}

function isBadSpiffe(text: string): boolean {
  const at = text.indexOf("spiffe://");
  return at >= 0 && (/(^|\/)\.\.?(\/|$)/.test(text.slice(at)) || /[?#]/.test(text.slice(at)));
}
