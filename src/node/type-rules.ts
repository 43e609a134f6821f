import { type ActorTypeSpec, INTERNAL_SYSTEM } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";

/** `system/type`, the key of a type. */
export function typePathOf(id: { readonly system: string; readonly type: string }): string {
  return `${id.system}/${id.type}`;
}

/** The settings of a type that a host may leave to the server. */
export type TypeDefaults = Pick<
  ActorTypeSpec,
  "deactivationTimeoutMs" | "mailboxCalls" | "mailboxBytes"
>;

/** The type with what its host left to the server, by a 0, filled in. */
export function completeType(spec: ActorTypeSpec, defaults: TypeDefaults): ActorTypeSpec {
  return {
    ...spec,
    deactivationTimeoutMs: spec.deactivationTimeoutMs || defaults.deactivationTimeoutMs,
    mailboxCalls: spec.mailboxCalls || defaults.mailboxCalls,
    mailboxBytes: spec.mailboxBytes || defaults.mailboxBytes,
  };
}

/**
 * Refuses a registration that asks for what this server does not offer, so that nobody finds out at
 * the first call. Throws `plugin.unsupported` or `request.invalid`.
 */
export function checkType(spec: ActorTypeSpec): void {
  const name = typePathOf(spec);
  if (spec.system === INTERNAL_SYSTEM) {
    throw new ServerError(
      "request.invalid",
      `system ${spec.system} is the server's`,
      "not_started",
      {
        reason: "SYSTEM_RESERVED",
      },
    );
  }
  const missing =
    spec.kind !== "named" && spec.kind !== "unnamed"
      ? `kind ${spec.kind}`
      : spec.durability === "snapshot"
        ? "durability snapshot"
        : spec.reentrant
          ? "reentrant calls"
          : undefined;
  if (missing !== undefined) {
    throw new ServerError(
      "plugin.unsupported",
      `actor type ${name}: this server does not offer ${missing}`,
      "not_started",
      { reason: "TYPE_UNSUPPORTED" },
    );
  }
  if (spec.mailboxCalls < 1 || spec.mailboxBytes < 1024 || spec.deactivationTimeoutMs < 1) {
    throw new ServerError(
      "request.invalid",
      `actor type ${name}: mailbox and time-outs must be positive`,
      "not_started",
      { reason: "TYPE_SETTINGS" },
    );
  }
}
