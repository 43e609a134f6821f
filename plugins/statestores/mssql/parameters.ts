import type { Request } from "tedious";
import type { SqlValue } from "../kit/sql/sql-client.ts";
import type { Library } from "./server-connection.ts";
import type { ParameterType } from "./statement-text.ts";

/** Longest `binary`, `varbinary` and `varchar` that is not of unlimited length. */
const LONGEST_BYTES = 8_000;
/** Asked for by any length beyond the longest. */
const UNLIMITED = 65_535;
/** Lengths that bytes are declared with, so that few shapes of one statement reach the server. */
const BYTE_LENGTHS = [32, 256, LONGEST_BYTES] as const;

const ASCII = /^[\0-\x7f]*$/;

/**
 * Declares and binds `@p<place>`. Without a wanted type the value decides: integers are `bigint`,
 * 32 bytes `binary(32)`, other bytes `varbinary`, text `varchar` if it is ASCII, else
 * `nvarchar(max)`. NULL is then `varbinary(1)`, which every type takes and which outranks none.
 */
export function addParameter(
  library: Library,
  request: Request,
  place: number,
  wanted: ParameterType | undefined,
  value: SqlValue,
): void {
  const { TYPES } = library;
  const { base, length } = wanted ?? typeOf(value);
  const bound = boundValue(base, value);
  const size = length === "max" || tooLong(bound, length) ? UNLIMITED : length;
  const options = size === undefined ? {} : { length: size };
  switch (base) {
    case "bigint":
      request.addParameter(`p${place}`, TYPES.BigInt, bound);
      break;
    case "binary":
      request.addParameter(`p${place}`, TYPES.Binary, bound, options);
      break;
    case "varbinary":
      request.addParameter(`p${place}`, TYPES.VarBinary, bound, options);
      break;
    case "varchar":
      request.addParameter(`p${place}`, TYPES.VarChar, bound, options);
      break;
    case "nvarchar":
      request.addParameter(`p${place}`, TYPES.NVarChar, bound, options);
      break;
  }
}

function typeOf(value: SqlValue): ParameterType {
  if (value === null) return { base: "varbinary", length: 1 };
  if (typeof value === "string") {
    const short = value.length <= LONGEST_BYTES && ASCII.test(value);
    return short ? { base: "varchar", length: LONGEST_BYTES } : { base: "nvarchar", length: "max" };
  }
  if (typeof value === "number" || typeof value === "bigint") {
    return { base: "bigint", length: undefined };
  }
  if (value.length === 32) return { base: "binary", length: 32 };
  const length = BYTE_LENGTHS.find((longest) => value.length <= longest) ?? "max";
  return { base: "varbinary", length };
}

/** The value as the library takes it; throws a `TypeError` for one that the type would change. */
function boundValue(base: ParameterType["base"], value: SqlValue): string | Buffer | null {
  if (value === null) return null;
  switch (base) {
    case "bigint":
      if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
      break;
    case "binary":
    case "varbinary":
      if (value instanceof Uint8Array) {
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      }
      break;
    case "varchar":
      // The library would write whatever the server's code page lacks as a question mark.
      if (typeof value === "string" && ASCII.test(value)) return value;
      break;
    case "nvarchar":
      if (typeof value === "string") return value;
      break;
  }
  throw new TypeError(`a ${typeof value} cannot be sent as ${base}`);
}

/** A value beyond its declared length is sent whole: a comparison then fails, and an insert is refused. */
function tooLong(bound: string | Buffer | null, length: number | undefined): boolean {
  return bound !== null && length !== undefined && bound.length > length;
}

const INTEGERS: ReadonlySet<string> = new Set(["TinyInt", "SmallInt", "Int", "BigInt", "IntN"]);

/** One column of a row as the library hands it out. */
export interface LibraryColumn {
  readonly metadata: { readonly type: { readonly name: string } };
  readonly value: unknown;
}

/** A column in words of the kit: integers exact, bytes in memory of their own. */
export function columnValue({ metadata, value }: LibraryColumn): SqlValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (INTEGERS.has(metadata.type.name)) return BigInt(String(value));
  return typeof value === "number" ? value : String(value);
}
