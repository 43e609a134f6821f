import type { AccessPolicy, AccessPolicyHost } from "./access-policy.ts";
import type { Activator, ActivatorHost } from "./activator.ts";
import type { Authenticator, AuthenticatorHost } from "./authenticator.ts";
import type { Balancer, BalancerHost } from "./balancer.ts";
import type { Discovery, DiscoveryHost } from "./discovery.ts";
import type { PartitionTolerance, PartitionToleranceHost } from "./partition-tolerance.ts";
import type { Placement, PlacementHost } from "./placement.ts";
import type { Statestore, StatestoreHost } from "./statestore.ts";

/** Binds a component to what its plug-in is handed. */
export interface Contract<Component, Host> {
  readonly component: Component;
  readonly host: Host;
}

/** Every family the kernel knows, with the major version in its key. */
export interface Contracts {
  readonly "statestore@1": Contract<Statestore, StatestoreHost>;
  readonly "balancer@1": Contract<Balancer, BalancerHost>;
  readonly "placement@1": Contract<Placement, PlacementHost>;
  readonly "partition-tolerance@1": Contract<PartitionTolerance, PartitionToleranceHost>;
  readonly "discovery@1": Contract<Discovery, DiscoveryHost>;
  readonly "activator@1": Contract<Activator, ActivatorHost>;
  readonly "acl@1": Contract<AccessPolicy, AccessPolicyHost>;
  readonly "authenticator@1": Contract<Authenticator, AuthenticatorHost>;
}

/** The key of one family and major version, e.g. `statestore@1`. */
export type ContractId = keyof Contracts;

/** The component that a plug-in of contract `K` makes. */
export type ComponentOf<K extends ContractId> = Contracts[K]["component"];

/** What a plug-in of contract `K` is handed besides its options. */
export type HostOf<K extends ContractId> = Contracts[K]["host"];

/** How an option's text is read: durations `250ms 5s`, sizes `64KiB`, lists by comma. */
export type OptionType =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "duration"
  | "size"
  | "list"
  | "map"
  | "path"
  | "url";

/** One option as plain data: the kernel validates it, names its variable and documents it. */
export interface OptionDescriptor<Value> {
  readonly type: OptionType;
  /** Absent means that the option must be given. Durations in milliseconds, sizes in bytes. */
  readonly default?: Value;
  /** Masked wherever configuration is shown; `_FILE` is accepted for every option. */
  readonly secret?: boolean;
  readonly doc: string;
  /** Closed list of values. */
  readonly values?: readonly Value[];
  readonly min?: number;
  readonly max?: number;
}

/** One descriptor per key of the plug-in's configuration. */
export type OptionDescriptors<Config> = {
  readonly [Key in keyof Config]-?: OptionDescriptor<Exclude<Config[Key], undefined>>;
};

/**
 * A plug-in: data and one pure function. It needs no value import from the server, so a file beside
 * the binary and a folder inside it look alike.
 */
export interface Plugin<K extends ContractId, Config = Record<string, unknown>> {
  readonly contract: K;
  /** Lower-case, `[a-z][a-z0-9-]{0,62}`; how configuration names it. */
  readonly name: string;
  readonly stability: "experimental" | "beta" | "stable";
  /** One sentence for `troupe plugins`. */
  readonly doc: string;
  readonly options: OptionDescriptors<Config>;
  /**
   * Makes the component from validated options. Does no I/O and starts no timer; a throw refuses the
   * configuration. Called at most once per configured instance.
   */
  create(config: Config, host: HostOf<K>): ComponentOf<K>;
}

/** A plug-in of any family, as the catalogue keeps it. */
export type AnyPlugin = {
  [K in ContractId]: Omit<Plugin<K, never>, "options"> & {
    readonly options: Readonly<Record<string, OptionDescriptor<unknown>>>;
  };
}[ContractId];
