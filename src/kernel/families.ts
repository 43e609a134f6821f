import type { ContractId } from "../contract/plugin.ts";

/** One family of plug-ins as configuration and lifecycle see it. */
export interface Family {
  readonly contract: ContractId;
  /** Key in a file; its variable is `TROUPE_<KEY>`. */
  readonly key: string;
  /** What options' variables begin with; several instances add `_<INSTANCE>`. */
  readonly optionPrefix: string;
  /** Several named instances, rather than one. */
  readonly many: boolean;
  /** Selected when nothing is configured; `undefined` for none. */
  readonly byDefault: string | undefined;
  readonly doc: string;
}

/** One configured plug-in. */
export interface Selection {
  readonly contract: ContractId;
  readonly plugin: string;
  /** The family's key, or the name of one of several instances. */
  readonly instance: string;
  /** Checked options by the names of their descriptors. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Every configured plug-in, in start order. */
export type Selections = readonly Selection[];

/** The instance of the statestore that serves every system without one of its own. */
export const MAIN_STATESTORE = "statestore";

/**
 * The families in the order in which their components start; they stop in reverse. State first,
 * because everything may need it; what lets calls in from outside last.
 */
export const FAMILIES: readonly Family[] = [
  {
    contract: "statestore@1",
    key: "statestore",
    optionPrefix: "TROUPE_STATESTORE",
    many: false,
    byDefault: "sqlite",
    doc: "Where states live.",
  },
  {
    contract: "statestore@1",
    key: "statestores",
    optionPrefix: "TROUPE_STATESTORES",
    many: true,
    byDefault: undefined,
    doc: "Further statestores, for the systems that `systems` gives to them: `name` or `name=plugin`.",
  },
  {
    contract: "placement@1",
    key: "placement",
    optionPrefix: "TROUPE_PLACEMENT",
    many: false,
    byDefault: "rendezvous",
    doc: "Which member should own an actor.",
  },
  {
    contract: "partition-tolerance@1",
    key: "partition_tolerance",
    optionPrefix: "TROUPE_PARTITION_TOLERANCE",
    many: false,
    byDefault: "store-arbiter",
    doc: "Whether this side of a partition goes on; `divergence` with the memory statestore.",
  },
  {
    contract: "discovery@1",
    key: "discovery",
    optionPrefix: "TROUPE_DISCOVERY",
    many: false,
    byDefault: "static",
    doc: "How members are found.",
  },
  {
    contract: "balancer@1",
    key: "balancer",
    optionPrefix: "TROUPE_BALANCER",
    many: false,
    byDefault: "two-choices",
    doc: "Which host takes an actor.",
  },
  {
    contract: "acl@1",
    key: "acl",
    optionPrefix: "TROUPE_ACL",
    many: false,
    byDefault: undefined,
    doc: "Who may do what; `allow-all` on loopback, else it must be chosen.",
  },
  {
    contract: "authenticator@1",
    key: "auth",
    optionPrefix: "TROUPE_AUTH",
    many: true,
    byDefault: undefined,
    doc: "Who calls: `name` or `name=plugin`, asked in this order.",
  },
  {
    contract: "activator@1",
    key: "activators",
    optionPrefix: "TROUPE_ACTIVATOR",
    many: true,
    byDefault: undefined,
    doc: "Sources of events: `name` or `name=plugin`.",
  },
];

/** Every contract that this server serves, once each. */
export const SERVED: readonly ContractId[] = [...new Set(FAMILIES.map(({ contract }) => contract))];

/** The contracts that this server serves, for the message to a plug-in that has another. */
export function servedContracts(name: string): readonly ContractId[] {
  return SERVED.filter((id) => id.startsWith(`${name}@`));
}
