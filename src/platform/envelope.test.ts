import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ActorId } from "../domain/actor.ts";
import type { Sealer, SealPurpose, Seed } from "../node/sealer.ts";
import { makeSealer, plainSealer } from "./envelope.ts";
import { parseKeyring } from "./envelope-keyring.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const OTHER = Buffer.alloc(32, 2).toString("base64");
const ACTOR: ActorId = { system: "default", type: "counter", key: "a" };
const PLAIN = new TextEncoder().encode('{"secret":"canary"}');

function sealer(keys = `a:${KEY}`, cluster = "test", acceptPlain = false): Sealer {
  return makeSealer(parseKeyring(keys), cluster, { acceptPlain });
}

function reasonOf(work: () => unknown): string {
  try {
    work();
    return "opened";
  } catch (error) {
    expect(error).toMatchObject({ name: "ServerError", code: "state.corrupt" });
    expect(String(error)).not.toContain("canary");
    return (error as { details: { reason: string } }).details.reason;
  }
}

const openState = (by: Sealer, sealed: Uint8Array, seed?: Seed) =>
  by.open("state", ACTOR, 7, "json", sealed, seed);

function seedFrom(by: Sealer, actor: ActorId) {
  if (by.seeds === undefined) throw new Error("the sealer makes no seeds");
  return by.seeds.make(actor);
}

/** An envelope made by hand from the RFCs, by another implementation of the primitives. */
async function sealByHand(plain: Uint8Array, seed?: Uint8Array): Promise<Uint8Array> {
  const version = seed === undefined ? 1 : 2;
  const salt = Uint8Array.from({ length: 16 }, (_, index) => index);
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const info = utf8(`troupe/v${version}\0state\0test\0default\0counter`);
  const material = Uint8Array.of(...new Uint8Array(32).fill(1), ...(seed ?? []));
  const secret = await crypto.subtle.importKey("raw", material, "HKDF", false, ["deriveBits"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt, info };
  const derived = new Uint8Array(await crypto.subtle.deriveBits(hkdf, secret, 44 * 8));
  const key = await crypto.subtle.importKey("raw", derived.slice(0, 32), "AES-GCM", false, [
    "encrypt",
  ]);
  const additionalData = utf8(`1.${version}.a\0state\0test\0default\0counter\x007\x001\0ajson`);
  const gcm = { name: "AES-GCM", iv: derived.slice(32), additionalData };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm, key, Uint8Array.from(plain)));
  return Uint8Array.of(1, version, 0x61, 0, 0, 0, 0, 0, 0, 0, ...salt, ...sealed);
}

describe("the envelope", () => {
  test("what was sealed opens, and looks different each time", () => {
    const one = sealer();
    const sealed = one.seal("state", ACTOR, 7, "json", PLAIN);
    expect(openState(one, sealed)).toEqual(PLAIN);
    expect(sealed.length).toBe(PLAIN.length + 42);
    expect(Buffer.from(sealed).includes("canary")).toBe(false);
    expect(one.seal("state", ACTOR, 7, "json", PLAIN)).not.toEqual(sealed);
    const empty = one.seal("state", ACTOR, 7, "json", new Uint8Array(0));
    expect(openState(one, empty)).toHaveLength(0);
  });

  test("another implementation makes the same envelope", async () => {
    expect(openState(sealer(), await sealByHand(PLAIN))).toEqual(PLAIN);
  });

  test("any changed byte is refused", () => {
    const one = sealer();
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, at, flip) => {
        const sealed = one.seal("state", ACTOR, 7, "json", plain);
        const index = at % sealed.length;
        sealed[index] = (sealed[index] ?? 0) ^ flip;
        expect(reasonOf(() => openState(one, sealed))).not.toBe("opened");
      }),
      { numRuns: 500 },
    );
  });

  test("any other place is refused", () => {
    const one = sealer();
    const name = fc.constantFrom("a", "b", "ab");
    const place = fc.record({
      purpose: fc.constantFrom<SealPurpose>("state", "history", "dedup", "outbox", "schedule"),
      system: name,
      type: name,
      key: fc.oneof(name, fc.string({ unit: "grapheme", maxLength: 5 })),
      revision: fc.nat({ max: 3 }),
      label: fc.oneof(name, fc.string({ unit: "grapheme", maxLength: 5 })),
    });
    fc.assert(
      fc.property(place, place, (from, to) => {
        const sealed = one.seal(from.purpose, from, from.revision, from.label, PLAIN);
        const reason = reasonOf(() => one.open(to.purpose, to, to.revision, to.label, sealed));
        const same = JSON.stringify(from) === JSON.stringify(to);
        expect(reason).toBe(same ? "opened" : "STATE_UNREADABLE");
      }),
      { numRuns: 1_000 },
    );
  });

  test("another cluster and another key under the same name are refused", () => {
    const sealed = sealer().seal("state", ACTOR, 7, "json", PLAIN);
    expect(reasonOf(() => openState(sealer(`a:${KEY}`, "other"), sealed))).toBe("STATE_UNREADABLE");
    expect(reasonOf(() => openState(sealer(`a:${OTHER}`), sealed))).toBe("STATE_UNREADABLE");
  });

  test("an older key opens until it is retired; an unknown one never does", () => {
    const sealed = sealer(`old:${KEY}`).seal("state", ACTOR, 7, "json", PLAIN);
    const rotated = sealer(`new:${OTHER},old:${KEY}`);
    expect(openState(rotated, sealed)).toEqual(PLAIN);
    expect(rotated.seal("state", ACTOR, 7, "json", PLAIN).subarray(2, 10)).toEqual(
      rotated.activeKeyId,
    );
    const retired = sealer(`new:${OTHER},old:${KEY}:retired`);
    expect(reasonOf(() => openState(retired, sealed))).toBe("KEY_RETIRED");
    expect(reasonOf(() => openState(sealer(`new:${OTHER}`), sealed))).toBe("KEY_UNKNOWN");
  });

  test.each([
    ["cut to nothing", 0, "ENVELOPE_SHORT"],
    ["cut to 1 byte", 1, "ENVELOPE_SHORT"],
    ["cut to 28 bytes", 28, "ENVELOPE_SHORT"],
    ["cut to 41 bytes", 41, "ENVELOPE_SHORT"],
    ["cut by one byte", -1, "STATE_UNREADABLE"],
  ])("an envelope %s is refused", (_name, length, reason) => {
    const sealed = sealer().seal("state", ACTOR, 7, "json", PLAIN);
    expect(reasonOf(() => openState(sealer(), sealed.slice(0, length)))).toBe(reason);
  });

  test.each([
    ["version", 0, 255, "ENVELOPE_VERSION"],
    ["algorithm", 1, 3, "ENVELOPE_ALGORITHM"],
    ["algorithm of seeds", 1, 2, "SEED_MISSING"],
    ["salt", 12, 255, "STATE_UNREADABLE"],
    ["tag", 60, 255, "STATE_UNREADABLE"],
  ])("another %s is refused with its reason", (_name, at, value, reason) => {
    const sealed = sealer().seal("state", ACTOR, 7, "json", PLAIN);
    sealed[at] = (sealed[at] ?? 0) === value ? 0xfe : value;
    expect(reasonOf(() => openState(sealer(), sealed))).toBe(reason);
  });

  test("rows in the clear are refused, unless a store is being moved to encryption", () => {
    const marked = plainSealer().seal("state", ACTOR, 7, "json", PLAIN);
    expect(reasonOf(() => openState(sealer(), marked))).toBe("PLAINTEXT_ROW");
    expect(reasonOf(() => openState(sealer(), PLAIN))).toBe("PLAINTEXT_ROW");
    expect(openState(sealer(`a:${KEY}`, "test", true), marked)).toEqual(PLAIN);
    expect(reasonOf(() => openState(sealer(`a:${KEY}`, "test", true), PLAIN))).toBe(
      "PLAINTEXT_ROW",
    );
  });

  test("without encryption bytes are marked, and sealed ones are refused", () => {
    const plain = plainSealer();
    const marked = plain.seal("state", ACTOR, 7, "json", PLAIN);
    expect(marked[0]).toBe(0);
    expect(openState(plain, marked)).toEqual(PLAIN);
    const sealed = sealer().seal("state", ACTOR, 7, "json", PLAIN);
    expect(reasonOf(() => openState(plain, sealed))).toBe("KEY_UNKNOWN");
    expect(reasonOf(() => openState(plain, new Uint8Array(0)))).toBe("ENVELOPE_SHORT");
    expect(reasonOf(() => openState(plain, PLAIN))).toBe("ENVELOPE_VERSION");
  });

  test("what was sealed with a seed opens with it alone, and under any later key", () => {
    const old = sealer(`old:${KEY}`);
    const { seed, wrapped } = seedFrom(old, ACTOR);
    const sealed = old.seal("state", ACTOR, 7, "json", PLAIN, seed);
    expect(sealed.length).toBe(PLAIN.length + 42);
    expect([...sealed.subarray(0, 2)]).toEqual([1, 2]);
    expect(Buffer.from(sealed).includes("canary")).toBe(false);
    expect(openState(old, sealed, seed)).toEqual(PLAIN);
    expect(reasonOf(() => openState(old, sealed))).toBe("SEED_MISSING");
    const other = seedFrom(old, ACTOR).seed;
    expect(reasonOf(() => openState(old, sealed, other))).toBe("STATE_UNREADABLE");
    const rotated = sealer(`new:${OTHER},old:${KEY}`);
    const again = rotated.seeds?.open(ACTOR, wrapped);
    expect(openState(rotated, sealed, again)).toEqual(PLAIN);
    const moved = rotated.seal("seed", ACTOR, 0, "", rotated.open("seed", ACTOR, 0, "", wrapped));
    const fresh = sealer(`new:${OTHER}`);
    const resealed = rotated.seal("state", ACTOR, 7, "json", PLAIN, again);
    expect(openState(fresh, resealed, fresh.seeds?.open(ACTOR, moved))).toEqual(PLAIN);
    expect(reasonOf(() => fresh.seeds?.open(ACTOR, wrapped))).toBe("KEY_UNKNOWN");
  });

  test("what was sealed before there was a seed opens with any, and none can be made of the other", () => {
    const one = sealer();
    const { seed } = seedFrom(one, ACTOR);
    const seedless = one.seal("state", ACTOR, 7, "json", PLAIN);
    expect(openState(one, seedless, seed)).toEqual(PLAIN);
    seedless[1] = 2;
    expect(reasonOf(() => openState(one, seedless, seed))).toBe("STATE_UNREADABLE");
    const seeded = one.seal("state", ACTOR, 7, "json", PLAIN, seed);
    seeded[1] = 1;
    expect(reasonOf(() => openState(one, seeded, seed))).toBe("STATE_UNREADABLE");
  });

  test("another implementation makes the same envelope with a seed", async () => {
    const one = sealer();
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
    const seed = one.seeds?.open(ACTOR, one.seal("seed", ACTOR, 0, "", bytes));
    expect(openState(one, await sealByHand(PLAIN, bytes), seed)).toEqual(PLAIN);
  });

  test("a seed is bound to actor and cluster, has its length, and shows nothing", () => {
    const one = sealer();
    const { seed, wrapped } = seedFrom(one, ACTOR);
    expect(reasonOf(() => one.seeds?.open({ ...ACTOR, key: "b" }, wrapped))).toBe(
      "STATE_UNREADABLE",
    );
    expect(reasonOf(() => sealer(`a:${KEY}`, "other").seeds?.open(ACTOR, wrapped))).toBe(
      "STATE_UNREADABLE",
    );
    const short = one.seal("seed", ACTOR, 0, "", new Uint8Array(31));
    expect(reasonOf(() => one.seeds?.open(ACTOR, short))).toBe("SEED_LENGTH");
    const bytes = one.open("seed", ACTOR, 0, "", wrapped);
    const shown = JSON.stringify(seed) + Bun.inspect(seed);
    for (const secret of [bytes.join(","), bytes.join(", "), Buffer.from(bytes).toString("hex")]) {
      expect(shown).not.toContain(secret);
    }
    expect(seedFrom(one, ACTOR).wrapped).not.toEqual(wrapped);
    expect(plainSealer().seeds).toBeUndefined();
  });

  test("a key check opens under its key alone", () => {
    const [check] = sealer().checks ?? [];
    const [other] = sealer(`a:${OTHER}`).checks ?? [];
    const sealed = check?.seal() ?? new Uint8Array(0);
    expect(check?.opens(sealed)).toBe(true);
    expect(other?.opens(sealed)).toBe(false);
    expect(check?.opens(new Uint8Array(3))).toBe(false);
    expect(sealer(`a:${KEY},b:${OTHER}:retired`).checks).toHaveLength(1);
  });
});
