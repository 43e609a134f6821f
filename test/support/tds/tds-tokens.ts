import type { TdsValue } from "./tds-requests.ts";

/*
 * The tokens of an answer: [MS-TDS] 2.2.7. Each function makes one token; an answer is some of them
 * one after the other, the last of which is a DONE without the bit "more".
 */

/** Types of columns, by the names of SQL Server; `max` stands for the type of unlimited length. */
export type TdsColumnType =
  | "bit"
  | "int"
  | "bigint"
  | "binary"
  | "varbinary"
  | "varbinary(max)"
  | "varchar"
  | "varchar(max)"
  | "nvarchar"
  | "nvarchar(max)";

export interface TdsColumn {
  readonly name: string;
  readonly type: TdsColumnType;
}

/** SQL_Latin1_General_CP1_CI_AS: [MS-TDS] 2.2.5.1.2. */
const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);
const MAX_LENGTH = 0xffff;
const MAX_BYTES = 8_000;

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
/** B_VARCHAR: its length in characters, as one byte. */
const shortText = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), utf16(text)]);
/** US_VARCHAR: its length in characters, as two bytes. */
const longText = (text: string): Buffer => Buffer.concat([short(text.length), utf16(text)]);
const measured = (token: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([token]), short(body.length), body]);

/** PRELOGIN's answer: a version, and what becomes of encryption. [MS-TDS] 2.2.6.5. */
export function preloginAnswer(encryption: number): Buffer {
  const options = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff]);
  return Buffer.concat([options, Buffer.from([16, 0, 0, 0, 0, 0, encryption])]);
}

/** LOGINACK of a server that speaks TDS 7.4: [MS-TDS] 2.2.7.14. */
export function loginAck(): Buffer {
  const version = Buffer.from([0x74, 0x00, 0x00, 0x04]);
  const program = Buffer.concat([shortText("Scripted TDS"), Buffer.from([16, 0, 0, 0])]);
  return measured(0xad, Buffer.concat([Buffer.from([1]), version, program]));
}

/** The server's collation, without which a client cannot send `varchar`: [MS-TDS] 2.2.7.9, type 7. */
export function collationChange(): Buffer {
  return measured(0xe3, Buffer.concat([Buffer.from([7, 5]), COLLATION, Buffer.from([0])]));
}

/** The packet size from now on: [MS-TDS] 2.2.7.9, type 4. */
export function packetSizeChange(bytes: number): Buffer {
  return measured(
    0xe3,
    Buffer.concat([Buffer.from([4]), shortText(`${bytes}`), shortText("4096")]),
  );
}

/** A transaction began, was committed or rolled back: [MS-TDS] 2.2.7.9, types 8 to 10. */
export function transactionChange(what: "begin" | "commit" | "rollback", id: bigint): Buffer {
  const type = { begin: 8, commit: 9, rollback: 10 }[what];
  const value = Buffer.concat([Buffer.from([8]), long(id)]);
  const none = Buffer.from([0]);
  const change = what === "begin" ? [value, none] : [none, value];
  return measured(0xe3, Buffer.concat([Buffer.from([type]), ...change]));
}

/** ERROR: [MS-TDS] 2.2.7.10. */
export function errorToken(number: number, message: string, severity: number): Buffer {
  const head = Buffer.concat([int(number), Buffer.from([1, severity])]);
  const names = [longText(message), shortText("double"), shortText("")];
  return measured(0xaa, Buffer.concat([head, ...names, int(1)]));
}

const DONE_MORE = 0x01;
const DONE_ERROR = 0x02;
const DONE_COUNT = 0x10;
const DONE_ATTENTION = 0x20;

/** How a DONE ends what it ends. */
export interface DoneStatus {
  readonly more?: boolean;
  readonly error?: boolean;
  readonly attention?: boolean;
  readonly count?: number;
}

/** DONE, DONEPROC or DONEINPROC: [MS-TDS] 2.2.7.6 to 2.2.7.8. */
export function done(kind: "done" | "procedure" | "inside", status: DoneStatus): Buffer {
  const token = { done: 0xfd, procedure: 0xfe, inside: 0xff }[kind];
  const bits =
    (status.more === true ? DONE_MORE : 0) |
    (status.error === true ? DONE_ERROR : 0) |
    (status.attention === true ? DONE_ATTENTION : 0) |
    (status.count === undefined ? 0 : DONE_COUNT);
  return Buffer.concat([
    Buffer.from([token]),
    short(bits),
    short(0),
    long(BigInt(status.count ?? 0)),
  ]);
}

/** RETURNSTATUS, which a procedure ends with: [MS-TDS] 2.2.7.18. */
export function returnStatus(value: number): Buffer {
  return Buffer.concat([Buffer.from([0x79]), int(value)]);
}

/** COLMETADATA: [MS-TDS] 2.2.7.4. All columns may hold NULL. */
export function columnMetadata(columns: readonly TdsColumn[]): Buffer {
  const parts = columns.flatMap(({ name, type }) => [
    int(0),
    short(1),
    typeInfo(type),
    shortText(name),
  ]);
  return Buffer.concat([Buffer.from([0x81]), short(columns.length), ...parts]);
}

function typeInfo(type: TdsColumnType): Buffer {
  switch (type) {
    case "bit":
      return Buffer.from([0x68, 1]);
    case "int":
      return Buffer.from([0x26, 4]);
    case "bigint":
      return Buffer.from([0x26, 8]);
    case "binary":
      return Buffer.concat([Buffer.from([0xad]), short(MAX_BYTES)]);
    case "varbinary":
      return Buffer.concat([Buffer.from([0xa5]), short(MAX_BYTES)]);
    case "varbinary(max)":
      return Buffer.concat([Buffer.from([0xa5]), short(MAX_LENGTH)]);
    case "varchar":
      return Buffer.concat([Buffer.from([0xa7]), short(MAX_BYTES), COLLATION]);
    case "varchar(max)":
      return Buffer.concat([Buffer.from([0xa7]), short(MAX_LENGTH), COLLATION]);
    case "nvarchar":
      return Buffer.concat([Buffer.from([0xe7]), short(MAX_BYTES), COLLATION]);
    case "nvarchar(max)":
      return Buffer.concat([Buffer.from([0xe7]), short(MAX_LENGTH), COLLATION]);
  }
}

/** ROW: [MS-TDS] 2.2.7.19. */
export function row(columns: readonly TdsColumn[], values: readonly TdsValue[]): Buffer {
  const parts = columns.map(({ type }, index) => columnValue(type, values[index] ?? null));
  return Buffer.concat([Buffer.from([0xd1]), ...parts]);
}

/** TYPE_VARBYTE of one value: [MS-TDS] 2.2.5.2.3. */
function columnValue(type: TdsColumnType, value: TdsValue): Buffer {
  if (type === "bit" || type === "int" || type === "bigint") return integerValue(type, value);
  const isMax = type.endsWith("(max)");
  if (value === null) return isMax ? long(-1n) : short(MAX_LENGTH);
  const bytes = bytesOf(type, value);
  if (!isMax) return Buffer.concat([short(bytes.length), bytes]);
  const part = bytes.length === 0 ? [] : [int(bytes.length), bytes];
  return Buffer.concat([long(BigInt(bytes.length)), ...part, int(0)]);
}

function integerValue(type: "bit" | "int" | "bigint", value: TdsValue): Buffer {
  if (value === null) return Buffer.from([0]);
  if (typeof value !== "bigint") throw new TypeError(`${String(value)} is no ${type}`);
  const length = { bit: 1, int: 4, bigint: 8 }[type];
  return Buffer.concat([Buffer.from([length]), long(value).subarray(0, length)]);
}

function bytesOf(type: TdsColumnType, value: string | bigint | Uint8Array): Buffer {
  if (type.startsWith("nvarchar")) return utf16(String(value));
  if (type.startsWith("varchar")) return Buffer.from(String(value), "latin1");
  if (!(value instanceof Uint8Array)) throw new TypeError(`${String(value)} is no ${type}`);
  return Buffer.from(value);
}
