import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { tempDir } from "../../../test/support/temp-dir.ts";
import type { ActorId } from "../../contract/index.ts";
import { PartFile, partPath, readPart } from "./part-file.ts";
import { type FileRow, readRow, rowParts } from "./row-record.ts";
import { StoreFileError } from "./store-file-error.ts";
import type { PageEnd, StoreFileHeader } from "./store-file-format.ts";
import { StoreFileReader } from "./store-file-reader.ts";
import { StoreFileWriter } from "./store-file-writer.ts";

const HEADER: StoreFileHeader = {
  id: "00ff",
  cluster: "test",
  source: "sqlite, SQLite 3",
  version: "1.0.0",
  createdMs: 1_700_000_000_000,
  expectedRows: 7,
  session: 3,
  live: false,
};

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const bytes = fc.uint8Array({ maxLength: 40 });
const tags = fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true });
const actor: fc.Arbitrary<ActorId> = fc.record({ system: name, type: name, key: text });
const state = fc.option(fc.record({ data: bytes, type: text }), { nil: undefined });

const anyRow: fc.Arbitrary<FileRow> = fc.oneof(
  fc.record({ kind: fc.constant("meta" as const), name: text, value: bytes }),
  fc.record({
    kind: fc.constant("actor" as const),
    actor,
    epoch: count,
    revision: count,
    state,
    tags,
    updatedMs: count,
  }),
  fc.record({ kind: fc.constant("seed" as const), owner: actor, wrapped: bytes }),
  fc.record({
    kind: fc.constant("history" as const),
    owner: actor,
    entry: fc.record({ revision: count, committedMs: count, tags, action: text, state }),
  }),
  fc.record({
    kind: fc.constant("dedup" as const),
    owner: actor,
    record: fc.record({ requestId: text, digest: bytes, revision: count, reply: bytes }),
    committedMs: count,
  }),
  fc.record({
    kind: fc.constant("outbox" as const),
    owner: actor,
    message: fc.record({
      id: text,
      revision: count,
      index: count,
      target: actor,
      action: text,
      body: bytes,
      delayMs: count,
    }),
    dueMs: count,
    attempts: count,
    deadReason: fc.option(text, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("schedule" as const),
    owner: actor,
    name: text,
    dueMs: count,
    repeat: text,
    action: text,
    body: bytes,
  }),
);

function metaRow(index: number, size = 20): FileRow {
  return { kind: "meta", name: `value ${index}`, value: new Uint8Array(size).fill(index) };
}

/** A file of three pages with two rows each. */
async function written(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const writer = new StoreFileWriter(async (chunk) => void chunks.push(chunk.slice()));
  await writer.header(HEADER);
  for (let page = 1; page <= 3; page += 1) await writer.page(...pageOf(page));
  await writer.trailer({ pages: 3, rows: { meta: 6 }, damaged: 0, orphans: 0 });
  return Buffer.concat(chunks);
}

function pageOf(page: number): [FileRow[], PageEnd] {
  const next = page === 3 ? undefined : `meta ${page}`;
  const rows = [metaRow(2 * page - 1), metaRow(2 * page)];
  return [rows, { next, pageRows: 2, rows: { meta: 2 * page }, damaged: 0, orphans: 0 }];
}

/** Reads a file in chunks of some size: the rows of its whole pages, and why it ended. */
async function read(file: Uint8Array, chunkBytes = 7) {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += chunkBytes) yield file.slice(at, at + chunkBytes);
  };
  const reader = new StoreFileReader(chunks());
  const rows: FileRow[] = [];
  try {
    expect(await reader.header()).toEqual(HEADER);
    for await (const page of reader.pages()) rows.push(...page.rows());
  } catch (error) {
    if (!(error instanceof StoreFileError)) throw error;
    return { rows, error, trailer: undefined };
  }
  return { rows, error: undefined, trailer: reader.trailer };
}

describe("a row", () => {
  test("of any kind comes back from a record", () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const { head, bytes: parts } = rowParts(row);
        expect(readRow(head, Buffer.concat(parts))).toEqual(row);
      }),
    );
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["an unknown kind", '{"kind":"other"}'],
    ["a name that is a number", '{"kind":"meta","name":1}'],
    ["an actor without a key", '{"kind":"seed","actor":["s","t"]}'],
    ["an actor whose type holds a slash", '{"kind":"seed","actor":["s","t/u","k"]}'],
    ["an actor without a system", '{"kind":"seed","actor":["","t","k"]}'],
    [
      "a negative revision",
      '{"kind":"actor","actor":["s","t","k"],"epoch":1,"revision":-1,"tags":{}}',
    ],
    [
      "a revision beyond 2^53",
      '{"kind":"actor","actor":["s","t","k"],"epoch":1,"revision":9007199254740993,"tags":{}}',
    ],
    [
      "tags that are no texts",
      '{"kind":"actor","actor":["s","t","k"],"epoch":1,"revision":1,"tags":{"a":1},"updated_ms":1}',
    ],
    [
      "a digest longer than all",
      '{"kind":"dedup","actor":["s","t","k"],"request_id":"r","revision":1,"committed_ms":1,"digest_bytes":9}',
    ],
    ["a type without a name", '{"kind":"type","spec":{"system":"s"}}'],
  ])("with %s is refused", (_name, head) => {
    expect(() => readRow(head, new Uint8Array(4))).toThrow();
  });
});

describe("a file", () => {
  test.each([1, 7, 4_096, 1_000_000])("comes back from chunks of %p bytes", async (chunkBytes) => {
    const { rows, error, trailer } = await read(await written(), chunkBytes);
    expect(error).toBeUndefined();
    expect(rows).toEqual([1, 2, 3, 4, 5, 6].map((index) => metaRow(index)));
    expect(trailer).toMatchObject({ pages: 3, rows: { meta: 6 } });
  });

  test("with a row larger than any buffer is whole", async () => {
    const chunks: Uint8Array[] = [];
    const writer = new StoreFileWriter(async (chunk) => void chunks.push(chunk.slice()));
    const large = metaRow(1, 5_000_000);
    await writer.header(HEADER);
    await writer.page([large], { ...pageOf(3)[1], pageRows: 1 });
    await writer.trailer({ pages: 1, rows: { meta: 1 }, damaged: 0, orphans: 0 });
    const { rows } = await read(Buffer.concat(chunks), 65_536);
    expect(Bun.deepEquals(rows, [large])).toBe(true);
  });

  test("cut short anywhere gives its whole pages and names the record", async () => {
    const file = await written();
    const ends = await pageEnds(file);
    for (let length = 0; length < file.length; length += 1) {
      const { rows, error } = await read(file.slice(0, length), 4_096);
      expect(rows).toHaveLength(2 * ends.filter((end) => end <= length).length);
      expect(error?.offset).toBeLessThanOrEqual(length);
      expect(error?.message).toMatch(/^record \d+ at byte \d+ is /);
    }
  });

  test("with one changed byte anywhere is refused at the record that holds it", async () => {
    const file = await written();
    const ends = await pageEnds(file);
    for (let at = 0; at < file.length; at += 1) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      const { rows, error } = await read(changed, 4_096);
      expect(error?.offset).toBeLessThanOrEqual(at);
      expect(rows).toHaveLength(2 * ends.filter((end) => end <= at).length);
    }
  });

  test("with bytes behind its end, or a page that is missing, is refused", async () => {
    const file = await written();
    const longer = await read(Buffer.concat([file, Uint8Array.of(0)]));
    expect(longer.error?.message).toContain("stands behind the end");
    const [first = 0, second = 0] = await pageEnds(file);
    const shorter = Buffer.concat([file.subarray(0, first), file.subarray(second)]);
    const { rows, error } = await read(shorter);
    expect([rows.length, error?.message]).toEqual([4, expect.stringContaining("another digest")]);
  });
});

/** Where each page ends. */
async function pageEnds(file: Uint8Array): Promise<number[]> {
  const reader = new StoreFileReader(
    (async function* () {
      yield file;
    })(),
  );
  await reader.header();
  const ends: number[] = [];
  for await (const { offset } of reader.pages()) ends.push(offset);
  return ends;
}

describe("a file that is not finished", () => {
  test("of any length goes on behind its last whole page, and is the same in the end", async () => {
    using folder = tempDir();
    const path = join(folder.path, "out");
    const file = await written();
    for (let length = 0; length <= file.length; length += 13) {
      writeFileSync(partPath(path), file.subarray(0, length));
      const { header, pages, offset, hash } = await readPart(partPath(path));
      const part = await PartFile.goOn(path, offset);
      const writer = new StoreFileWriter(part.sink, hash);
      if (header === undefined) await writer.header(HEADER);
      for (let page = pages + 1; page <= 3; page += 1) await writer.page(...pageOf(page));
      await writer.trailer({ pages: 3, rows: { meta: 6 }, damaged: 0, orphans: 0 });
      await part.close();
      expect(readFileSync(partPath(path)).equals(file)).toBe(true);
    }
  });

  test("keeps nothing behind its last whole page", async () => {
    using folder = tempDir();
    const path = join(folder.path, "out");
    const file = await written();
    const [, second = 0] = await pageEnds(file);
    writeFileSync(
      partPath(path),
      Buffer.concat([file.subarray(0, second), Buffer.alloc(9_999, 1)]),
    );
    const { offset } = await readPart(partPath(path));
    await (await PartFile.goOn(path, offset)).close();
    expect(readFileSync(partPath(path)).equals(file.subarray(0, second))).toBe(true);
  });

  test("takes its name only where there is none", async () => {
    using folder = tempDir();
    const path = join(folder.path, "out");
    const part = await PartFile.create(path);
    await part.sink(Uint8Array.of(1, 2));
    writeFileSync(path, "another");
    const refused = await part.finish().catch((error: { code?: string }) => error.code);
    expect([refused, readFileSync(path, "utf8")]).toEqual(["EEXIST", "another"]);
  });
});
