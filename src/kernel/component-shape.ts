import type { ComponentOf, ContractId } from "../contract/plugin.ts";

/** The members that a component must have to be taken for one, in each family. */
type Required<K extends ContractId> = readonly (keyof ComponentOf<K> & string)[];

const MEMBERS: Readonly<{ [K in ContractId]: Required<K> }> = {
  "statestore@1": [
    "durability",
    "exclusive",
    "lanes",
    "describe",
    "sessions",
    "types",
    "meta",
    "claim",
    "epochs",
    "dedup",
    "commit",
    "release",
    "read",
    "prune",
  ],
  "placement@1": ["owners"],
  "partition-tolerance@1": ["evaluate"],
  "discovery@1": ["find"],
  "balancer@1": ["choose"],
  "acl@1": ["decide", "generation"],
  "authenticator@1": ["authenticate"],
  "activator@1": [],
};

/** What keeps `value` from being a component of the contract, or `undefined`. */
export function componentFault(contract: ContractId, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "returned no object";
  if (value instanceof Promise) return "returned a promise, but must return its component at once";
  const missing = MEMBERS[contract].find((name) => !(name in value));
  if (missing !== undefined) return `returned a component without ${missing}`;
  const odd = ["start", "stop"].find((name) => {
    const member: unknown = Reflect.get(value, name);
    return member !== undefined && typeof member !== "function";
  });
  return odd === undefined ? undefined : `returned a component whose ${odd} is no function`;
}
