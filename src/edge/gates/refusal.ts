import { ServerError } from "../../domain/error.ts";

/**
 * What the edge refuses before the call reaches an actor, with one fixed sentence per reason: nothing
 * of the input is ever repeated to whoever sent it.
 */
export const REFUSALS = {
  ACTOR_MISSING: "the actor id is missing",
  BAD_COMPRESSION: "the compressed message cannot be read",
  BAD_PAGE_TOKEN: "the page token was not made for this query",
  BODY_INCOMPLETE: "the request body ended early",
  CONTENT_TYPE: "a body here needs the content type application/json",
  DEADLINE: "the deadline is not a whole number of milliseconds",
  DEPTH: "the message is nested too deeply",
  DUPLICATE_CALL_ID: "a call with this id is already under way on the stream",
  ENVELOPE: "the message envelope is incomplete",
  ENVELOPE_FLAGS: "the message envelope has unknown flags",
  ID_CHARSET: "an identifier holds characters that are not allowed",
  ID_EMPTY: "an identifier is empty",
  ID_TOO_LONG: "an identifier is too long",
  JSON: "the body is not valid json",
  MALFORMED: "the message cannot be decoded",
  METADATA_KEY: "a metadata key holds characters that are not allowed",
  METADATA_TOO_LARGE: "the metadata is too large in total",
  METADATA_TOO_MANY: "the metadata has too many entries",
  METADATA_VALUE: "a metadata value holds characters that are not allowed",
  METADATA_VALUE_TOO_LARGE: "a metadata value is too large",
  PROTOCOL_VERSION: "the connect protocol version is not supported",
  REQUEST_ID_CHARSET: "the request id holds characters that are not allowed",
  REQUEST_ID_TOO_LONG: "the request id is too long",
  REVISION: "a revision is out of range",
  TIMESTAMP: "a point in time is out of range",
  TOO_MANY_ELEMENTS: "the message has too many elements",
  TURN_TOKEN: "the turn token names no running turn",
  UNKNOWN_ENUM: "an enum value is not known",
} as const;

export type Refusal = keyof typeof REFUSALS;

/** The refusal of an input that nobody can accept. The call has not started. */
export function refuse(reason: Refusal): ServerError {
  return new ServerError("request.invalid", REFUSALS[reason], "not_started", { reason });
}

/** The deadline was over before the call began. */
export function expired(): ServerError {
  return new ServerError("call.deadline", "the deadline has passed", "not_started", {
    reason: "DEADLINE_PASSED",
  });
}

/** The body, or the message inside it after decompression, is above the limit. */
export function tooLarge(): ServerError {
  return new ServerError("request.too_large", "the message is too large", "not_started", {
    reason: "MESSAGE_TOO_LARGE",
  });
}

/** The body did not arrive whole in time. */
export function bodyTimeout(): ServerError {
  return new ServerError(
    "call.deadline",
    "the request body did not arrive in time",
    "not_started",
    {
      reason: "BODY_TIMEOUT",
    },
  );
}

/** A part of the protocol that this server does not offer. `reason` names what is missing. */
export function unsupported(message: string, reason: string): ServerError {
  return new ServerError("plugin.unsupported", message, "not_started", { reason });
}
