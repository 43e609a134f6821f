import type { Actor } from "./actor.ts";
import { actorTypeSpec } from "./actor-spec.ts";
import type { HostProfile } from "./host-session.ts";

const DEFAULT_CREDIT = 200;

/** What the two kinds of host are given alike. */
export interface ProfileOptions {
  readonly actors: readonly Actor[];
  readonly system?: string;
  readonly token?: string;
  readonly name?: string;
  readonly credit?: number;
  readonly weight?: number;
}

/** What is registered, and who runs it, for a list of actors. */
export function hostProfile(options: ProfileOptions): HostProfile {
  const system = options.system ?? "default";
  const actors = new Map(
    options.actors.map((actor) => [`${system}/${actor.type}`, actor] as const),
  );
  return {
    token: options.token ?? "",
    name: options.name ?? "",
    credit: options.credit ?? DEFAULT_CREDIT,
    weight: options.weight ?? 1,
    specs: options.actors.map((actor) => actorTypeSpec(actor, system)),
    actors,
  };
}
