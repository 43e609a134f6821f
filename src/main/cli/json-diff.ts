/** One place where two JSON texts differ. Values are JSON texts, with numbers as they were written. */
export interface JsonChange {
  readonly op: "add" | "remove" | "replace";
  /** JSON Pointer (RFC 6901); "" is the whole. */
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/** A number as it was written: a double would not hold all of them. */
class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Tree = string | boolean | null | JsonNumber | readonly Tree[] | TreeObject;

interface TreeObject {
  readonly [name: string]: Tree;
}

/** Where two JSON texts differ, in the order of the first; throws `SyntaxError` if one is none. */
export function jsonDiff(before: string, after: string): readonly JsonChange[] {
  const changes: JsonChange[] = [];
  compare(parse(before), parse(after), "", changes);
  return changes;
}

function parse(text: string): Tree {
  return JSON.parse(text, (_name, value: Tree | number, context?: { readonly source?: string }) =>
    typeof value === "number" ? new JsonNumber(context?.source ?? String(value)) : value,
  ) as Tree;
}

function compare(before: Tree, after: Tree, path: string, changes: JsonChange[]): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    compareArrays(before as readonly Tree[], after as readonly Tree[], path, changes);
  } else if (isObject(before) && isObject(after)) {
    compareObjects(before, after, path, changes);
  } else {
    const [old, now] = [textOf(before), textOf(after)];
    if (old !== now) changes.push({ op: "replace", path, before: old, after: now });
  }
}

function compareObjects(
  before: TreeObject,
  after: TreeObject,
  path: string,
  changes: JsonChange[],
): void {
  for (const [name, old] of Object.entries(before)) {
    const at = `${path}/${escaped(name)}`;
    if (Object.hasOwn(after, name)) compare(old, after[name] ?? null, at, changes);
    else changes.push({ op: "remove", path: at, before: textOf(old) });
  }
  for (const [name, now] of Object.entries(after)) {
    if (Object.hasOwn(before, name)) continue;
    changes.push({ op: "add", path: `${path}/${escaped(name)}`, after: textOf(now) });
  }
}

/** What is equal at both ends is left out, so that one element more or less is one change. */
function compareArrays(
  before: readonly Tree[],
  after: readonly Tree[],
  path: string,
  changes: JsonChange[],
): void {
  const [old, now] = [before.map(textOf), after.map(textOf)];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const [oldEnd, nowEnd] = [old.length - tail, now.length - tail];
  for (let index = head; index < Math.max(oldEnd, nowEnd); index += 1) {
    const at = `${path}/${index}`;
    const [a, b] = [before[index], after[index]];
    if (index < oldEnd && index < nowEnd && a !== undefined && b !== undefined) {
      compare(a, b, at, changes);
    } else if (index < oldEnd) changes.push({ op: "remove", path: at, before: old[index] ?? "" });
    else changes.push({ op: "add", path: at, after: now[index] ?? "" });
  }
}

function isObject(tree: Tree): tree is TreeObject {
  const plain = typeof tree === "object" && tree !== null && !(tree instanceof JsonNumber);
  return plain && !Array.isArray(tree);
}

function textOf(tree: Tree): string {
  if (tree instanceof JsonNumber) return tree.text;
  if (Array.isArray(tree)) return `[${(tree as readonly Tree[]).map(textOf).join(",")}]`;
  if (!isObject(tree)) return JSON.stringify(tree);
  const members = Object.entries(tree).map(([name, value]) => {
    return `${JSON.stringify(name)}:${textOf(value)}`;
  });
  return `{${members.join(",")}}`;
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
