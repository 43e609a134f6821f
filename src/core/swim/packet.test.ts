import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import {
  ACK,
  ALIVE_PART,
  DEAD_PART,
  FRAME_MAGIC,
  HEADER_BYTES,
  type Header,
  LARGEST_PART_BYTES,
  LEFT_PART,
  NACK,
  PACKET_MAGIC,
  PING,
  PING_REQUEST,
  REFUSED,
  SUSPECT_PART,
  SYNC,
} from "./wire.ts";
import { idOf } from "./wire-id.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const id = fc.record({ hi: u32, lo: u32 });
const ascii = (most: number) =>
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
    minLength: 1,
    maxLength: most,
  });
const header: fc.Arbitrary<Header> = fc.record({
  clusterHash: u32,
  sender: id,
  generation: u48,
  incarnation: u32,
  digest: u32,
});
const aliveFields = fc.record({
  name: ascii(64),
  address: ascii(80),
  bootId: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 }),
  generation: u48,
  incarnation: u32,
  wireMin: fc.nat(7),
  wireMax: fc.integer({ min: 7, max: 255 }),
  meta: fc.uint8Array({ maxLength: 512 }),
});
const statement = fc.record({
  tag: fc.constantFrom(SUSPECT_PART, DEAD_PART, LEFT_PART),
  about: id,
  at: fc.record({ generation: u48, incarnation: u32 }),
  from: id,
  age: fc.option(u32, { nil: undefined }),
});

const NOBODY: Header = {
  clusterHash: 0,
  sender: { hi: 0, lo: 0 },
  generation: 0,
  incarnation: 0,
  digest: 0,
};

/** Every way to read a part, whatever its tag: none may throw. */
function readAll(reader: PacketReader): void {
  reader.readPing();
  reader.readPingRequest();
  reader.readAnswer();
  reader.readSync();
  reader.readRefused();
  reader.readStatement();
  if (reader.readAlive()) void [reader.name, reader.address, reader.meta, reader.bootId];
  void reader.part;
}

describe("the wire", () => {
  test("gives back what was written", () => {
    fc.assert(
      fc.property(header, u32, u32, fc.nat(0xffff), id, (head, seq, word, delayMs, target) => {
        const writer = new PacketWriter(2_000);
        const reader = new PacketReader();
        writer.begin(PACKET_MAGIC, head);
        writer.ping(seq, target);
        writer.pingRequest(seq, delayMs, target);
        writer.answer(ACK, seq);
        writer.answer(NACK, word);
        writer.sync(word, seq);
        writer.refused(3);
        expect(reader.open(writer.finish(), PACKET_MAGIC)).toBeUndefined();
        expect(reader.clusterHash).toBe(head.clusterHash);
        expect({ hi: reader.senderHi, lo: reader.senderLo }).toEqual(head.sender);
        expect(reader.senderGeneration).toBe(head.generation);
        expect(reader.senderIncarnation).toBe(head.incarnation);
        expect(reader.digest).toBe(head.digest);
        expect([reader.next(), reader.tag, reader.readPing()]).toEqual([true, PING, true]);
        expect([reader.seq, reader.idLo]).toEqual([seq, target.lo]);
        const isAsked = [reader.next(), reader.tag, reader.readPingRequest()];
        expect(isAsked).toEqual([true, PING_REQUEST, true]);
        expect([reader.seq, reader.nackDelayMs]).toEqual([seq, delayMs]);
        expect([reader.idHi, reader.idLo]).toEqual([target.hi, target.lo]);
        expect([reader.next(), reader.tag, reader.readAnswer()]).toEqual([true, ACK, true]);
        expect([reader.next(), reader.tag, reader.readAnswer()]).toEqual([true, NACK, true]);
        expect(reader.seq).toBe(word);
        expect([reader.next(), reader.tag, reader.readSync()]).toEqual([true, SYNC, true]);
        expect([reader.strategyDigest, reader.otherDigest]).toEqual([word, seq]);
        expect([reader.next(), reader.tag, reader.readRefused()]).toEqual([true, REFUSED, true]);
        expect([reader.reason, reader.next(), reader.isWhole]).toEqual([3, false, true]);
      }),
    );
  });

  test("gives back what a member says of itself, and the id of its name", () => {
    fc.assert(
      fc.property(aliveFields, (fields) => {
        const writer = new PacketWriter(2_000);
        const reader = new PacketReader();
        writer.begin(PACKET_MAGIC, NOBODY);
        writer.alive(fields);
        expect(writer.length - HEADER_BYTES).toBeLessThanOrEqual(LARGEST_PART_BYTES);
        reader.open(writer.finish(), PACKET_MAGIC);
        expect([reader.next(), reader.tag, reader.readAlive()]).toEqual([true, ALIVE_PART, true]);
        const { name, address, bootId, generation, incarnation, wireMin, wireMax } = reader;
        const meta = reader.meta.slice();
        expect({ name, address, bootId, generation, incarnation, wireMin, wireMax, meta }).toEqual(
          fields,
        );
        expect({ hi: reader.idHi, lo: reader.idLo }).toEqual(idOf(fields.name));
        expect(reader.isPart(reader.part)).toBe(true);
      }),
    );
  });

  test("gives back what is said of others", () => {
    fc.assert(
      fc.property(statement, ({ tag, about, at, from, age }) => {
        const writer = new PacketWriter(200);
        const reader = new PacketReader();
        writer.begin(FRAME_MAGIC, NOBODY);
        writer.statement(tag, about, at, from, age);
        reader.open(writer.finish(), FRAME_MAGIC);
        expect([reader.next(), reader.tag, reader.readStatement()]).toEqual([true, tag, true]);
        expect({ hi: reader.idHi, lo: reader.idLo }).toEqual(about);
        const { generation, incarnation } = reader;
        expect({ generation, incarnation }).toEqual(at);
        const accuser = tag === LEFT_PART ? about : from;
        expect({ hi: reader.fromHi, lo: reader.fromLo }).toEqual(accuser);
        expect(reader.ageS).toBe(age ?? 0);
      }),
    );
  });

  test("has frozen bytes", () => {
    const writer = new PacketWriter(200);
    const sender = { hi: 0x01020304, lo: 0x05060708 };
    writer.begin(PACKET_MAGIC, {
      clusterHash: 0xa1a2a3a4,
      sender,
      generation: 0x0b0c0d0e0f10,
      incarnation: 0x11121314,
      digest: 0x15161718,
    });
    writer.ping(0x21222324, { hi: 0x31323334, lo: 0x35363738 });
    writer.statement(SUSPECT_PART, sender, { generation: 1, incarnation: 2 }, { hi: 3, lo: 4 });
    expect(Buffer.from(writer.finish()).toString("hex")).toBe(
      "ac01a1a2a3a401020304050607080b0c0d0e0f101112131415161718" +
        "01082122232435363738" +
        "061a0102030405060708000000000001000000020000000300000004",
    );
  });

  test("skips parts that are not known and fields behind those that are", () => {
    const writer = new PacketWriter(500);
    const reader = new PacketReader();
    writer.begin(PACKET_MAGIC, NOBODY);
    writer.head(200, 300);
    for (let i = 0; i < 300; i += 1) writer.u8(i);
    writer.head(ACK, 9);
    writer.u32(77);
    for (let i = 0; i < 5; i += 1) writer.u8(0xee);
    reader.open(writer.finish(), PACKET_MAGIC);
    expect([reader.next(), reader.tag]).toEqual([true, 200]);
    expect([reader.next(), reader.tag, reader.readAnswer(), reader.seq]).toEqual([
      true,
      ACK,
      true,
      77,
    ]);
    expect([reader.next(), reader.isWhole]).toEqual([false, true]);
  });

  test("keeps the whole parts of a packet that is cut off", () => {
    const writer = new PacketWriter(500);
    const reader = new PacketReader();
    writer.begin(PACKET_MAGIC, NOBODY);
    writer.answer(ACK, 1);
    writer.answer(ACK, 2);
    const bytes = writer.finish();
    for (let length = HEADER_BYTES; length < bytes.length; length += 1) {
      expect(reader.open(bytes.subarray(0, length), PACKET_MAGIC)).toBeUndefined();
      const whole = Math.floor((length - HEADER_BYTES) / 6);
      for (let part = 0; part < whole; part += 1) expect(reader.next()).toBe(true);
      expect([reader.next(), reader.isWhole]).toEqual([false, length === HEADER_BYTES + whole * 6]);
    }
  });

  test.each([
    ["a name of 65 characters", { name: "n".repeat(65) }],
    ["no name", { name: "" }],
    ["a name with a space", { name: "a b" }],
    ["a name that is not ASCII", { name: "n\u00e9" }],
    ["an address of 81 characters", { address: "1".repeat(81) }],
    ["no address", { address: "" }],
    ["513 bytes of meta", { meta: new Uint8Array(513) }],
    ["a range of versions that is none", { wireMin: 2, wireMax: 1 }],
  ])("refuses a member with %s", (_, wrong) => {
    const writer = new PacketWriter(2_000);
    const reader = new PacketReader();
    writer.begin(PACKET_MAGIC, NOBODY);
    writer.alive({
      name: "n",
      address: "1.2.3.4:5",
      bootId: "0".repeat(16),
      generation: 1,
      incarnation: 1,
      wireMin: 1,
      wireMax: 1,
      meta: new Uint8Array(3),
      ...wrong,
    });
    writer.answer(ACK, 1);
    reader.open(writer.finish(), PACKET_MAGIC);
    expect([reader.next(), reader.readAlive()]).toEqual([true, false]);
    expect([reader.next(), reader.tag]).toEqual([true, ACK]);
  });

  test("is read to its end whatever the bytes are", () => {
    const reader = new PacketReader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isPacket) => {
        const head = [isPacket ? PACKET_MAGIC : FRAME_MAGIC, 1];
        const packet = Uint8Array.from([...head, ...bytes]);
        let parts = 0;
        if (reader.open(packet, packet[0] ?? 0) === undefined) {
          while (reader.next()) {
            readAll(reader);
            parts += 1;
          }
        }
        expect(parts).toBeLessThanOrEqual(packet.length / 2);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is read to its end with any bit flipped and at any length", () => {
    const writer = new PacketWriter(2_000);
    const reader = new PacketReader();
    fc.assert(
      fc.property(
        header,
        aliveFields,
        statement,
        fc.nat(),
        fc.nat(),
        (head, fields, said, at, cut) => {
          writer.begin(PACKET_MAGIC, head);
          writer.alive(fields);
          writer.statement(said.tag, said.about, said.at, said.from, said.age);
          const bytes = writer.finish();
          const flipped = bytes.slice(0, HEADER_BYTES + (cut % (bytes.length - HEADER_BYTES)));
          const bit = (at % ((flipped.length - 2) * 8)) + 16;
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(reader.open(flipped, PACKET_MAGIC)).toBeUndefined();
          while (reader.next()) readAll(reader);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["nothing", [], "short"],
    ["one byte", [0xac], "short"],
    ["the beginning of a header", [0xac, 1, 2, 3], "short"],
    ["a frame of the other transport", [0xad, 1, ...new Array<number>(40).fill(0)], "magic"],
    ["text", [...Buffer.from("GET / HTTP/1.1\r\nhost: example.test\r\n\r\n")], "magic"],
    ["another version", [0xac, 255, ...new Array<number>(40).fill(0)], "version"],
  ])("refuses %s", (_, bytes, fault) => {
    expect(new PacketReader().open(Uint8Array.from(bytes), PACKET_MAGIC)).toBe(fault as "short");
  });
});
