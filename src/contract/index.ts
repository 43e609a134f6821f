/** Everything a plug-in implements and receives: types only. */
export type * from "../domain/actor.ts";
export type * from "../domain/error.ts";
export type * from "../domain/invocation.ts";
export type * from "../domain/member.ts";
export type * from "./access-policy.ts";
export type * from "./activator.ts";
export type * from "./authenticator.ts";
export type * from "./balancer.ts";
export type * from "./component.ts";
export type * from "./discovery.ts";
export type * from "./host.ts";
export type * from "./partition-tolerance.ts";
export type * from "./placement.ts";
export type * from "./plugin.ts";
export type * from "./statestore.ts";
export type * from "./statestore-powers.ts";
