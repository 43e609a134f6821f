import { ServerError } from "../../domain/error.ts";

/** The wire version of the host protocol that this server speaks, oldest and newest. */
export const OLDEST_VERSION = 1;
export const NEWEST_VERSION = 1;

/** Throws `ServerError` (failed precondition, VERSION) unless a host's version is spoken here. */
export function checkVersion(version: number): void {
  if (version >= OLDEST_VERSION && version <= NEWEST_VERSION) return;
  throw new ServerError(
    "host.failed",
    `the host speaks wire version ${version}; this server speaks ${OLDEST_VERSION} to ${NEWEST_VERSION}`,
    "not_started",
    { reason: "VERSION", hostCode: "failed_precondition" },
  );
}
