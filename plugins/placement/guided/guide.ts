import type { ActorId } from "../../../src/contract/index.ts";

/** A map from actors to members, as it was configured. */
export interface Guide {
  /** The members that an actor is mapped to, in order of preference; `undefined` without an entry. */
  find(actor: ActorId): readonly string[] | undefined;
}

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

/**
 * Reads entries `system/type/key` → `node|node|…`. A name that ends in `*` stands for all that begin
 * with what is before it; the longest such name counts, and a name without one before them all.
 * Throws what `refuse` makes of a sentence that says what is wrong.
 */
export function readGuide(
  map: Readonly<Record<string, string>>,
  refuse: (message: string) => Error,
): Guide {
  const exact = new Map<string, readonly string[]>();
  const prefixes: { readonly prefix: string; readonly nodes: readonly string[] }[] = [];
  for (const [name, text] of Object.entries(map)) {
    const nodes = readNodes(name, text, refuse);
    const star = name.indexOf("*");
    if (star < 0) {
      // System and type hold no slash, a key may.
      if (name.split("/").length < 3) throw refuse(`${name} is not of the form system/type/key`);
      exact.set(name, nodes);
    } else if (star === name.length - 1) prefixes.push({ prefix: name.slice(0, -1), nodes });
    else throw refuse(`${name} has a * that is not at its end`);
  }
  prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
  return {
    find(actor) {
      const path = `${actor.system}/${actor.type}/${actor.key}`;
      return exact.get(path) ?? prefixes.find(({ prefix }) => path.startsWith(prefix))?.nodes;
    },
  };
}

function readNodes(
  name: string,
  text: string,
  refuse: (message: string) => Error,
): readonly string[] {
  const nodes = text.split("|").map((each) => each.trim());
  const bad = nodes.find((each) => !NODE_ID.test(each));
  if (bad === "") throw refuse(`${name} names a member without a name`);
  if (bad !== undefined) throw refuse(`${name} names ${bad}, which is no node name`);
  if (new Set(nodes).size < nodes.length) throw refuse(`${name} names a member twice`);
  return nodes;
}
