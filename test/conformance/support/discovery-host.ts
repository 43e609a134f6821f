import type { DiscoveryHost, SessionAddress } from "../../../src/contract/index.ts";
import { recordingHost, type RecordingHost, type RecordingHostOptions } from "./recording-host.ts";

/** What a suite may choose about a discovery's host. */
export interface DiscoveryHostOptions extends RecordingHostOptions {
  readonly seeds?: DiscoveryHost["seeds"];
  readonly sessions?: () => Promise<readonly SessionAddress[]>;
}

/** A host for one discovery; peers are at port 7702. */
export function discoveryHost(options: DiscoveryHostOptions = {}): DiscoveryHost & RecordingHost {
  return {
    ...recordingHost(options),
    nodeName: "node-a",
    cluster: "test",
    seeds: options.seeds ?? [],
    peerPort: 7702,
    sessions: options.sessions ?? (() => Promise.resolve([])),
  };
}
