import type { PartitionToleranceHost } from "../../../src/contract/index.ts";
import { ServerError } from "../../../src/domain/error.ts";
import { recordingHost, type RecordingHost, type RecordingHostOptions } from "./recording-host.ts";

/** What outlives a component: several hosts may be given the same one, one after another. */
export interface Kept {
  bytes: Uint8Array | undefined;
  /** Saves and loads fail as long as this is set. */
  away: boolean;
  saves: number;
}

/** Nothing saved yet. */
export function keptNothing(): Kept {
  return { bytes: undefined, away: false, saves: 0 };
}

/** A host for one partition tolerance. */
export function partitionToleranceHost(
  options: RecordingHostOptions & { readonly kept?: Kept } = {},
): PartitionToleranceHost & RecordingHost {
  const kept = options.kept ?? keptNothing();
  const away = () => new ServerError("state.unavailable", "the disk is away", "not_applied");
  return {
    ...recordingHost(options),
    load: () => (kept.away ? Promise.reject(away()) : Promise.resolve(kept.bytes?.slice())),
    save: (bytes) => {
      if (kept.away) return Promise.reject(away());
      kept.bytes = bytes.slice();
      kept.saves += 1;
      return Promise.resolve();
    },
  };
}
