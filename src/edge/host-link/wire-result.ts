import type { Effect } from "../../domain/effect.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD, type Payload, type StringMap } from "../../domain/invocation.ts";
import type { TurnFailure } from "../../domain/turn.ts";
import type { ProtoReader } from "../wire/reader.ts";
import { readEffect } from "./wire-effect.ts";
import { readPayload } from "../wire/wire-payload.ts";

/** A `TurnOutcome` as the host wrote it, not yet believed. */
export interface RawOutcome {
  turnId: number;
  reply: Payload;
  failure: TurnFailure | undefined;
  changed: boolean;
  /** At most as many as a turn may have; `fanOut` says that there were more. */
  effects: readonly Effect[];
  fanOut: boolean;
  state: Payload | undefined;
  metadata: StringMap;
}

/** A `TagChange` as the host wrote it. */
export interface RawTagChange {
  readonly set: StringMap;
  readonly remove: readonly string[];
  readonly replace: boolean;
}

/** An `InvocationResult` as the host wrote it, not yet believed. */
export interface RawResult {
  id: number;
  readonly outcomes: RawOutcome[];
  state: Payload | undefined;
  tags: RawTagChange | undefined;
  failure: TurnFailure | undefined;
}

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

/** Reads the `InvocationResult` that comes next. Throws `WireError`. */
export function readResult(reader: ProtoReader, effectsPerTurn: number): RawResult {
  const outer = reader.enter();
  const result: RawResult = {
    id: 0,
    outcomes: [],
    state: undefined,
    tags: undefined,
    failure: undefined,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        result.id = reader.uint64();
        break;
      case 0x12:
        result.outcomes.push(readOutcome(reader, effectsPerTurn));
        break;
      case 0x1a:
        result.state = readState(reader);
        break;
      case 0x22:
        result.tags = readTagChange(reader);
        break;
      case 0x2a:
        result.failure = readFailure(reader);
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  return result;
}

function readOutcome(reader: ProtoReader, effectsPerTurn: number): RawOutcome {
  const outer = reader.enter();
  const outcome: RawOutcome = {
    turnId: 0,
    reply: EMPTY_PAYLOAD,
    failure: undefined,
    changed: false,
    effects: NO_EFFECTS,
    fanOut: false,
    state: undefined,
    metadata: EMPTY_MAP,
  };
  let effects: Effect[] | undefined;
  let metadata: Record<string, string> | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        outcome.turnId = reader.uint64();
        break;
      case 0x12:
        outcome.reply = readPayload(reader);
        break;
      case 0x1a:
        outcome.failure = readFailure(reader);
        break;
      case 0x20:
        outcome.changed = reader.bool();
        break;
      case 0x2a:
        effects ??= [];
        outcome.fanOut = effects.length >= effectsPerTurn;
        // Passed over without being read: a flood costs no memory.
        if (outcome.fanOut) reader.skip(tag);
        else effects.push(readEffect(reader));
        break;
      case 0x32:
        outcome.state = readState(reader);
        break;
      case 0x3a:
        metadata ??= {};
        reader.mapEntry(metadata);
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  if (effects !== undefined) outcome.effects = effects;
  if (metadata !== undefined) outcome.metadata = metadata;
  return outcome;
}

/** A state without type and bytes is none: some hosts always set the field. */
function readState(reader: ProtoReader): Payload | undefined {
  const state = readPayload(reader);
  return state === EMPTY_PAYLOAD ? undefined : state;
}

const LONGEST_CODE = 64;
const LONGEST_MESSAGE = 4_096;

/** A host's error; both texts are cut to a bounded length. */
function readFailure(reader: ProtoReader): TurnFailure {
  const outer = reader.enter();
  let code = "";
  let message = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) code = reader.string();
    else if (tag === 0x12) message = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return {
    code: code === "" ? "unknown" : code.slice(0, LONGEST_CODE),
    message: message.slice(0, LONGEST_MESSAGE).toWellFormed(),
  };
}

/** A change that changes nothing is none: some libraries write the field all the same. */
function readTagChange(reader: ProtoReader): RawTagChange | undefined {
  const outer = reader.enter();
  const set: Record<string, string> = {};
  const remove: string[] = [];
  let replace = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) reader.mapEntry(set);
    else if (tag === 0x12) {
      reader.count();
      remove.push(reader.string());
    } else if (tag === 0x18) replace = reader.bool();
    else reader.skip(tag);
  }
  reader.leave(outer);
  const empty = !replace && remove.length === 0 && Object.keys(set).length === 0;
  return empty ? undefined : { set, remove, replace };
}
