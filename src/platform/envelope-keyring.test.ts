import { describe, expect, test } from "bun:test";
import { parseKeyring } from "./envelope-keyring.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const OTHER = Buffer.alloc(32, 2).toString("base64");

function reasonOf(text: string): unknown {
  try {
    parseKeyring(text);
    return "accepted";
  } catch (error) {
    expect(error).toMatchObject({ code: "request.invalid", details: { exitCode: 78 } });
    if (text.length > 20) expect(String(error)).not.toContain(text.slice(-20));
    return (error as { details: { reason: string } }).details.reason;
  }
}

describe("the keyring", () => {
  test("a bare key is named spawn, and the first key is active", () => {
    const bare = parseKeyring(KEY);
    expect(bare.active.name).toBe("spawn");
    expect(Buffer.from(bare.active.id).toString("latin1")).toBe("spawn\0\0\0");
    const ring = parseKeyring(`new:${KEY}, old:${OTHER} ,gone:${OTHER}:retired`);
    expect(ring.keys.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "new active",
      "old decrypt",
      "gone retired",
    ]);
  });

  test.each([
    ["", "state_key_missing"],
    [" , ", "state_key_missing"],
    ["a:", "state_key_missing"],
    [Buffer.alloc(16).toString("base64"), "state_key_length"],
    [Buffer.alloc(31).toString("base64"), "state_key_length"],
    [`a:${Buffer.alloc(33).toString("base64")}`, "state_key_length"],
    ["a:not base64 at all!", "state_key_encoding"],
    [`a:${KEY},a:${OTHER}`, "key_id_conflict"],
    [`${KEY},${OTHER}`, "key_id_conflict"],
    [`ninechars:${KEY}`, "key_id_invalid"],
    [`a b:${KEY}`, "key_id_invalid"],
    [`a:${KEY}:decrypt`, "state_key_state"],
    [`a:${KEY}:lost`, "state_key_state"],
    [`a:${KEY},b:${OTHER}:active`, "state_key_state"],
    [`a:${KEY}:active:x`, "state_key_state"],
  ])("%p is refused with %s", (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });
});
