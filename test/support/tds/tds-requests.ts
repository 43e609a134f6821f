import { ByteReader } from "./byte-reader.ts";
import { PACKET, type TdsMessage } from "./tds-packets.ts";

/** A value as it came over the wire: text of either kind, integers, bytes. */
export type TdsValue = string | bigint | Uint8Array | null;

/** What a client asked for once it is logged in. */
export type TdsRequest =
  /** Text without parameters. */
  | { readonly kind: "batch"; readonly text: string }
  /** `sp_executesql`. `declared` is the list of parameters as the statement declares them. */
  | {
      readonly kind: "statement";
      readonly text: string;
      readonly declared: string;
      readonly values: readonly TdsValue[];
    }
  | { readonly kind: "begin" | "commit" | "rollback" };

/** Encryption that a client asks for, and that a server answers: [MS-TDS] 2.2.6.5. */
export const ENCRYPT = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** What a client gives away of itself when it logs in. */
export interface TdsLogin {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly application: string;
}

/** The encryption that a client asks for in PRELOGIN: [MS-TDS] 2.2.6.5. */
export function readPrelogin(payload: Buffer): number {
  const head = new ByteReader(payload);
  for (let option = head.byte(); option !== 0xff; option = head.byte()) {
    // Places in this list are the protocol's only big-endian numbers.
    const offset = head.bytes(2).readUInt16BE(0);
    head.bytes(2);
    if (option === 1) return payload.readUInt8(offset);
  }
  throw new Error("a PRELOGIN without encryption");
}

/** LOGIN7: [MS-TDS] 2.2.6.4. Its parts are found by pairs of offset and length from byte 36 on. */
export function readLogin(payload: Buffer): TdsLogin {
  const bytesOf = (place: number): Buffer => {
    const start = payload.readUInt16LE(place);
    return payload.subarray(start, start + 2 * payload.readUInt16LE(place + 2));
  };
  const textOf = (place: number): string => bytesOf(place).toString("utf16le");
  // A password has the halves of its bytes swapped and is then turned by 0xA5.
  const password = bytesOf(44).map((byte) => {
    const turned = byte ^ 0xa5;
    return ((turned << 4) | (turned >> 4)) & 0xff;
  });
  return {
    user: textOf(40),
    password: Buffer.from(password).toString("utf16le"),
    database: textOf(68),
    application: textOf(48),
  };
}

/** Reads a batch, a remote call or a transaction manager's request. */
export function readRequest(message: TdsMessage): TdsRequest {
  const reader = new ByteReader(message.payload);
  // ALL_HEADERS, [MS-TDS] 2.2.5.3: its length counts itself.
  reader.bytes(reader.int() - 4);
  if (message.type === PACKET.batch) {
    return { kind: "batch", text: reader.rest().toString("utf16le") };
  }
  if (message.type === PACKET.transaction) return { kind: transactionKind(reader.short()) };
  if (message.type !== PACKET.rpc) throw new Error(`no request has the type ${message.type}`);
  return readStatement(reader);
}

/** TM_BEGIN_XACT, TM_COMMIT_XACT and TM_ROLLBACK_XACT: [MS-TDS] 2.2.6.9. */
function transactionKind(operation: number): "begin" | "commit" | "rollback" {
  if (operation === 5) return "begin";
  if (operation === 7) return "commit";
  if (operation === 8) return "rollback";
  throw new Error(`no such operation of the transaction manager: ${operation}`);
}

/** RPCRequest for the procedure of number 10, `sp_executesql`: [MS-TDS] 2.2.6.6. */
function readStatement(reader: ByteReader): TdsRequest {
  const byNumber = reader.short() === 0xffff;
  const procedure = byNumber ? reader.short() : -1;
  if (procedure !== 10) throw new Error("a call of something other than sp_executesql");
  reader.short();
  const values: TdsValue[] = [];
  while (!reader.done) {
    reader.text(reader.byte());
    reader.byte();
    values.push(readParameter(reader));
  }
  const [text, declared, ...rest] = values;
  if (typeof text !== "string") throw new Error("sp_executesql without a statement");
  return { kind: "statement", text, declared: String(declared ?? ""), values: rest };
}

const INTN = 0x26;
const BITN = 0x68;
const BIGVARBINARY = 0xa5;
const BIGVARCHAR = 0xa7;
const BIGBINARY = 0xad;
const NVARCHAR = 0xe7;
const MAX_LENGTH = 0xffff;

/** TYPE_INFO and TYPE_VARBYTE of one parameter: [MS-TDS] 2.2.5.4 to 2.2.5.6. */
function readParameter(reader: ByteReader): TdsValue {
  const type = reader.byte();
  if (type === INTN || type === BITN) {
    reader.byte();
    const length = reader.byte();
    return length === 0 ? null : reader.signed(length);
  }
  if (![BIGVARBINARY, BIGVARCHAR, BIGBINARY, NVARCHAR].includes(type)) {
    throw new Error(`a parameter of the unexpected type 0x${type.toString(16)}`);
  }
  const longest = reader.short();
  const isText = type === BIGVARCHAR || type === NVARCHAR;
  if (isText) reader.bytes(5);
  const bytes = longest === MAX_LENGTH ? readParts(reader) : readShort(reader);
  if (bytes === null) return null;
  if (!isText) return new Uint8Array(bytes);
  return bytes.toString(type === NVARCHAR ? "utf16le" : "latin1");
}

function readShort(reader: ByteReader): Buffer | null {
  const length = reader.short();
  return length === MAX_LENGTH ? null : reader.bytes(length);
}

const NO_VALUE = 0xffff_ffff_ffff_ffffn;

/** A value in parts, as the types of unlimited length have it: [MS-TDS] 2.2.5.2.3. */
function readParts(reader: ByteReader): Buffer | null {
  if (reader.long() === NO_VALUE) return null;
  const parts: Buffer[] = [];
  for (let length = reader.int(); length !== 0; length = reader.int()) {
    parts.push(reader.bytes(length));
  }
  return Buffer.concat(parts);
}
