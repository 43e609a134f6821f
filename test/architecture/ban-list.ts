import { eachMatch, isTest, layerOf, type SourceFile, type Violation } from "./source-file.ts";

/** One thing that is not written here, and what is written instead. */
interface Ban {
  readonly what: RegExp;
  readonly where: (path: string) => boolean;
  readonly instead: string;
}

const HOUSE: ReadonlySet<string> = new Set([
  "std",
  "domain",
  "contract",
  "core",
  "kernel",
  "node",
  "edge",
  "plugins",
]);

/** Source whose time, randomness and timers come from outside. */
const inHouse = (path: string): boolean => !isTest(path) && HOUSE.has(layerOf(path) ?? "");
const inProduct = (path: string): boolean => !isTest(path) && /^(?:src|plugins)\//.test(path);
const inTests = (path: string): boolean => isTest(path) && !path.startsWith("bench/");
/** Where time may pass: the one place that waits, and the command that ends what hangs. */
const mayWait = (path: string): boolean =>
  path === "test/support/wait-until.ts" || path === "test/run.ts";
const everywhere = (): boolean => true;
const outside =
  (...layers: readonly string[]) =>
  (path: string): boolean =>
    inProduct(path) && !layers.includes(layerOf(path) ?? "");

/** Bans on code; comments and strings may name what they like. */
export const CODE_BANS: readonly Ban[] = [
  {
    what: /\bDate\.now\(|\bnew Date\(\s*\)|\bperformance\.|\bprocess\.hrtime/g,
    where: inHouse,
    instead: "take `Clock` (the host's in a plug-in); in a pure layer a parameter `nowMs`",
  },
  {
    what: /\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\brandomBytes\b|\brandomInt\b/g,
    where: inHouse,
    instead: "take `Random` (the host's in a plug-in); in a pure layer a generator of src/std",
  },
  {
    what: /(?<!\.)\b(?:setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b|\bprocess\.nextTick\b/g,
    where: inHouse,
    instead: "`Clock.setTimer` or `Clock.defer`; in a pure layer an effect with an epoch",
  },
  {
    what: /(?<![.#\w"'])process\.|\bBun\.env\b|\bimport\.meta\.env\b/g,
    where: outside("platform", "main"),
    instead: "pass the value in: configuration from the kernel, the rest from src/platform",
  },
  {
    what: /(?<![.\w])console\./g,
    where: outside("main"),
    instead: "take `Logger`, or write to a stream that was handed in",
  },
  {
    what: /(?<![.\w])Bun\./g,
    where: outside("platform", "plugins"),
    instead: "a port of src/node/ports.ts that src/platform implements",
  },
  {
    what: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/gm,
    where: everywhere,
    instead: "a union of string literals",
  },
  {
    what: /^\s*(?:export\s+)?(?:declare\s+)?namespace\s+\w/gm,
    where: everywhere,
    instead: "a module",
  },
  { what: /(?::|\bas|<|\|)\s*any\b/g, where: everywhere, instead: "`unknown` and a check" },
  {
    what: /\b(?:test|it|describe)\.(?:only|skip|todo)\b|\bx(?:it|test|describe)\(/g,
    where: isTest,
    instead: "a test that runs; `test.skipIf` with a printed line if a back end is absent",
  },
  {
    what: /\bnew Promise\b[^;]{0,80}\bsetTimeout\(|\bBun\.sleep|\bsleep(?:Sync)?\(/g,
    where: (path) => inTests(path) && !mayWait(path),
    instead: "`waitUntil` of test/support, or virtual time",
  },
  {
    what: /(?<!\.)(?<!\bnew Promise\b[^;]{0,80})\bset(?:Timeout|Interval)\(/g,
    where: (path) => path.endsWith(".test.ts"),
    instead: "`waitUntil` of test/support, or virtual time",
  },
];

/** Bans on whole texts of code files, where comments and strings count as well. */
export const TEXT_BANS: readonly Ban[] = [
  {
    what: /["'](?:node:)?timers\/promises["']/g,
    where: (path) => inHouse(path) || inTests(path),
    instead: "`Clock` in the house, `waitUntil` in tests",
  },
  {
    what: /@ts-(?:ignore|nocheck|expect-error)/g,
    where: everywhere,
    instead: "a type that is true",
  },
  {
    what: /(?:oxlint|eslint)-disable(?!-(?:next-)?line [\w/@, -]+ -- \S)/g,
    where: everywhere,
    instead: "`oxlint-disable-next-line <rule> -- <reason>`",
  },
  {
    what: /\bnot (?:yet )?implemented\b/gi,
    where: inProduct,
    instead: "the thing itself, or a refusal with a domain error code",
  },
];

const COMMENT_BAN: Ban = {
  what: /\b(?:TODO|FIXME|XXX|HACK)\b/g,
  where: everywhere,
  instead: "do it, or leave it out and say so in the documents",
};

/** Words of a workplace, and paths of one machine; the repository speaks of the product alone. */
export const WORD_BANS: readonly Ban[] = [
  {
    what: /(?<![\w.*])\/(?:work|root|Users)\/|\/home\/[a-z]/g,
    where: everywhere,
    instead: "a path relative to the repository, or a temporary folder",
  },
  {
    what: /\b(?:registry\.npmjs|npmjs\.org|pypi\.org|artifactory|proxy\.golang)/gi,
    where: everywhere,
    instead: "the ordinary client of the registry, without a host",
  },
  {
    what: /\b(?:chatgpt|copilot|anthropic|openai|language model|ai[- ]generated|(?:the|my|this|your) brief|(?:issue|ticket) #?\d+|sub-?agents?|the lead (?:commits|says|wrote)|in this session)\b/gi,
    where: everywhere,
    instead: "nothing: say what the software does",
  },
];

function apply(file: SourceFile, searched: string, bans: readonly Ban[]): Violation[] {
  return bans
    .filter(({ where }) => where(file.path))
    .flatMap(({ what, instead }) =>
      eachMatch(
        file,
        searched,
        what,
        ([found]) => `"${found.trim()}" is not used here; instead: ${instead}`,
      ),
    );
}

/** What may not be written in a TypeScript file. */
export function checkBans(file: SourceFile): Violation[] {
  return [
    ...apply(file, file.code, CODE_BANS),
    ...apply(file, file.text, TEXT_BANS),
    ...apply(file, file.comments, [COMMENT_BAN]),
  ];
}

/** What may not be written in any text of the repository. */
export function checkWords(file: SourceFile): Violation[] {
  return apply(file, file.text, WORD_BANS);
}
