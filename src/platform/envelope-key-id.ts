const VERSION = 1;
const VERSION_PLAIN = 0;
const ID_AT = 2;
const ID_BYTES = 8;

/** The name for bytes that were stored in the clear. */
export const IN_THE_CLEAR = "none";

/**
 * The id of the key that sealed an envelope, as it was configured (hexadecimal if that is no plain
 * text); `none` for bytes in the clear, and `undefined` for what is no envelope.
 */
export function envelopeKeyId(sealed: Uint8Array): string | undefined {
  if (sealed[0] === VERSION_PLAIN) return IN_THE_CLEAR;
  if (sealed[0] !== VERSION || sealed.length < ID_AT + ID_BYTES) return undefined;
  const id = sealed.subarray(ID_AT, ID_AT + ID_BYTES);
  const end = id.indexOf(0);
  const text = String.fromCharCode(...id.subarray(0, end < 0 ? ID_BYTES : end));
  return /^[\w.-]+$/.test(text) ? text : id.toHex();
}
