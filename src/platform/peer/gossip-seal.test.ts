import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EnvelopeGossipSeal, type GossipSealOptions } from "./gossip-seal.ts";
import { ReplayWindow } from "./replay-window.ts";

const KEY = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
/** Longest packet. */
const MAX = 1_400;
const BODY = new TextEncoder().encode("ping");
const now = { ms: 1_800_000_000_000 };

function seal(boot: string, changes: Partial<GossipSealOptions> = {}): EnvelopeGossipSeal {
  return new EnvelopeGossipSeal({
    cluster: "c",
    bootId: boot.padEnd(16, "0"),
    keys: [KEY],
    wallMs: () => now.ms,
    ...changes,
  });
}

const reasonOf = (opened: ReturnType<EnvelopeGossipSeal["open"]>): string =>
  opened.kind === "drop" ? opened.reason : "open";

describe("packets of members", () => {
  test("what one seals the other opens, once", () => {
    const [a, b] = [seal("aa"), seal("bb")];
    const packet = a.seal(BODY, undefined);
    expect(packet.length).toBe(BODY.length + a.overheadBytes);
    const opened = b.open(packet, MAX);
    if (opened.kind !== "open") throw new Error(opened.reason);
    expect(Buffer.compare(opened.body, BODY)).toBe(0);
    expect(opened.senderBoot).toBe("aa".padEnd(16, "0"));
    expect(reasonOf(b.open(packet, MAX))).toBe("replay");
    expect(Buffer.from(packet).includes("ping")).toBe(false);
  });

  test("any flipped bit, cut or added byte is thrown away", () => {
    const packet = seal("aa").seal(BODY, undefined);
    const receiver = seal("bb");
    fc.assert(
      fc.property(fc.nat({ max: packet.length * 8 - 1 }), (bit) => {
        const bent = Uint8Array.from(packet);
        bent[bit >>> 3] = (bent[bit >>> 3] as number) ^ (1 << (bit & 7));
        expect(receiver.open(bent, MAX).kind).toBe("drop");
      }),
    );
    for (let length = 0; length < packet.length; length += 1) {
      expect(receiver.open(packet.subarray(0, length), MAX).kind).toBe("drop");
    }
    expect(reasonOf(receiver.open(new Uint8Array([...packet, 0]), MAX))).toBe("auth");
    expect(reasonOf(receiver.open(packet, MAX))).toBe("open");
  });

  test.each([
    ["short", new Uint8Array(1)],
    ["magic", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["size", Uint8Array.from({ length: 1_401 }, (_, i) => [0x54, 0x47, 1][i] ?? 0)],
    ["version", Uint8Array.of(0x54, 0x47, 255, 0)],
  ])("%s", (reason, packet) => {
    expect(reasonOf(seal("bb").open(packet, MAX))).toBe(reason);
  });

  test("other clusters, other keys and the clear are kept out", () => {
    const receiver = seal("bb");
    expect(reasonOf(receiver.open(seal("aa", { cluster: "d" }).seal(BODY, undefined), MAX))).toBe(
      "cluster",
    );
    expect(reasonOf(receiver.open(seal("aa", { keys: [OTHER] }).seal(BODY, undefined), MAX))).toBe(
      "auth",
    );
    const clear = seal("aa", { keys: [] }).seal(BODY, undefined);
    expect(reasonOf(receiver.open(clear, MAX))).toBe("plain");
    expect(reasonOf(seal("bb", { keys: [] }).open(clear, MAX))).toBe("open");
    const sealed = seal("aa").seal(BODY, undefined);
    expect(reasonOf(seal("bb", { keys: [] }).open(sealed, MAX))).toBe("auth");
  });

  test("a packet for an earlier process, or of another time, is stale", () => {
    const a = seal("aa");
    const before = "bb".padEnd(16, "0");
    const packet = a.seal(BODY, before);
    expect(reasonOf(seal("cc").open(packet, MAX))).toBe("stale");
    expect(reasonOf(seal("bb").open(packet, MAX))).toBe("open");
    const old = a.seal(BODY, undefined);
    now.ms += 32_000;
    expect(reasonOf(seal("bb").open(old, MAX))).toBe("stale");
    now.ms -= 32_000;
  });

  test("keys are changed in three steps without a packet lost", () => {
    const [a, b] = [seal("aa"), seal("bb")];
    const both = (): void => {
      expect(reasonOf(b.open(a.seal(BODY, undefined), MAX))).toBe("open");
      expect(reasonOf(a.open(b.seal(BODY, undefined), MAX))).toBe("open");
    };
    for (const keys of [[KEY, OTHER], [OTHER, KEY], [OTHER]]) {
      a.setKeys(keys);
      both();
      b.setKeys(keys);
      both();
    }
  });

  test("a window takes each number once and nothing that is too old", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 3_000n }), { maxLength: 200 }), (numbers) => {
        const window = new ReplayWindow();
        const taken = new Set<bigint>();
        let highest = -1n;
        for (const number of numbers) {
          const expected = !taken.has(number) && highest - number < 1_024n;
          expect(window.accept(number)).toBe(expected);
          if (expected) taken.add(number);
          if (number > highest) highest = number;
        }
      }),
    );
    const window = new ReplayWindow();
    expect(window.accept(2n ** 63n - 1n)).toBe(true);
    expect(window.accept(5n)).toBe(false);
  });
});
