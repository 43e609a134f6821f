import { createHash } from "node:crypto";
import type { PortableRow } from "../../src/contract/index.ts";
import { KEPT } from "./sealed-store.ts";

const NOW_MS = 1_767_225_600_000;
const STATE_BYTES = 256;

/**
 * Rows of every kind for so many actors, the same each time: each with a state, two past ones and a
 * reply, every tenth with a seed, messages, of which one is a dead letter, and a schedule. Bytes are
 * as good as sealed: nothing opens them.
 */
export function* manyRows(actors: number): Generator<PortableRow> {
  yield { kind: "type", spec: KEPT };
  yield { kind: "meta", name: "kept", value: bytesOf("kept", 64) };
  for (let index = 0; index < actors; index += 1) yield actorRow(index);
  for (let index = 0; index < actors; index += 10) {
    yield { kind: "seed", owner: ownerOf(index), wrapped: bytesOf(`seed ${index}`, 74) };
  }
  // One actor's revision is too great for a history without gaps.
  for (let index = 0; index < actors; index += 1) if (index !== 3) yield* pastRows(index);
  for (let index = 0; index < actors; index += 1) yield replyRow(index);
  for (let index = 0; index < actors; index += 10) yield* messageRows(index);
  for (let index = 0; index < actors; index += 10) {
    const times = { name: "s 😀", dueMs: NOW_MS + index, repeat: "P1D", action: "tick" };
    yield { kind: "schedule", owner: ownerOf(index), ...times, body: bytesOf(`s ${index}`, 60) };
  }
}

function ownerOf(index: number) {
  return { system: "default", type: "counter", key: `actor/${index} ä\0` };
}

function actorRow(index: number): PortableRow {
  const state = { data: bytesOf(`state ${index}`, STATE_BYTES), type: "application/json" };
  return {
    kind: "actor",
    actor: ownerOf(index),
    epoch: 1 + (index % 7),
    revision: index === 3 ? 2 ** 52 + 1 : 2,
    state: index % 50 === 0 ? undefined : state,
    tags: index % 3 === 0 ? { shop: String(index % 100), ä: "\uFFFD" } : {},
    updatedMs: NOW_MS + index,
  };
}

function* pastRows(index: number): Generator<PortableRow> {
  for (const revision of [1, 2]) {
    const state = { data: bytesOf(`past ${index} ${revision}`, STATE_BYTES), type: "text/plain" };
    const committedMs = NOW_MS + index * 10 + revision;
    const entry = { revision, committedMs, tags: { a: "b" }, action: "add", state };
    yield { kind: "history", owner: ownerOf(index), entry };
  }
}

function replyRow(index: number): PortableRow {
  const record = {
    requestId: `request ${index} ü`,
    digest: bytesOf(`digest ${index}`, 32),
    revision: 2,
    // What is left of a reply that was shredded.
    reply: index % 40 === 0 ? new Uint8Array(0) : bytesOf(`reply ${index}`, 90),
  };
  return { kind: "dedup", owner: ownerOf(index), record, committedMs: NOW_MS + index };
}

function* messageRows(index: number): Generator<PortableRow> {
  for (const place of [0, 1]) {
    const id = `1.2.${place}`;
    const message = {
      id,
      revision: 2,
      index: place,
      target: ownerOf(index + 1),
      action: "add",
      body: bytesOf(`message ${index} ${id}`, 120),
      delayMs: place * 5,
    };
    const deadReason = place === 1 ? "no such action\n" : undefined;
    const dueMs = NOW_MS + index;
    yield { kind: "outbox", owner: ownerOf(index), message, dueMs, attempts: place, deadReason };
  }
}

function bytesOf(text: string, length: number): Uint8Array {
  const digest = createHash("sha256").update(text).digest();
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += digest.length) {
    bytes.set(digest.subarray(0, Math.min(digest.length, length - at)), at);
  }
  // Marked as stored in the clear, so that the keys of a store are not as many as its rows.
  bytes[0] = 0;
  return bytes;
}
