/**
 * The type that a parameter is declared with. `length` is in bytes, for `nvarchar` in characters;
 * `max` is the type of unlimited length.
 */
export interface ParameterType {
  readonly base: "bigint" | "binary" | "varbinary" | "varchar" | "nvarchar";
  readonly length: number | "max" | undefined;
}

/** A statement as it is sent: `@pn` for `$n`, and the types that its text gives to parameters. */
export interface SentText {
  readonly text: string;
  /** By position; `undefined` where the text says nothing and the value decides. */
  readonly types: readonly (ParameterType | undefined)[];
}

const TYPED = /CAST\(\$(\d+) AS ([a-z]+)(?:\((\d+|max)\))?\)|\$(\d+)/g;

const BASES: ReadonlySet<string> = new Set<ParameterType["base"]>([
  "bigint",
  "binary",
  "varbinary",
  "varchar",
  "nvarchar",
]);

/**
 * Writes a statement's text for SQL Server. `CAST($n AS type)` declares the parameter with that type
 * and leaves `@pn` alone: a NULL has no type of its own, and texts of one shape must declare the
 * same types each time, or the server would keep a plan for every length of every value.
 */
export function sentText(text: string): SentText {
  const types: (ParameterType | undefined)[] = [];
  const sent = text.replaceAll(TYPED, (whole, typed, base, length, plain) => {
    const place = Number(typed ?? plain) - 1;
    if (typed === undefined || !isBase(base)) {
      types[place] ??= undefined;
      return typed === undefined ? `@p${plain}` : whole.replace(`$${typed}`, `@p${typed}`);
    }
    const wanted: ParameterType = { base, length: lengthOf(length) };
    const before = types[place];
    if (before !== undefined && !sameType(before, wanted)) {
      throw new TypeError(`parameter ${typed} is given two types`);
    }
    types[place] = wanted;
    return `@p${typed}`;
  });
  return { text: sent, types: Array.from(types) };
}

function isBase(base: string): base is ParameterType["base"] {
  return BASES.has(base);
}

function lengthOf(length: string | undefined): ParameterType["length"] {
  if (length === undefined || length === "max") return length;
  return Number(length);
}

function sameType(one: ParameterType, other: ParameterType): boolean {
  return one.base === other.base && one.length === other.length;
}
