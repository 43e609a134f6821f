import { tmpdir } from "node:os";
import type { PluginHealth, PluginHost } from "../../../src/contract/index.ts";
import { ServerError } from "../../../src/domain/error.ts";
import { Prng } from "../../support/prng.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a plug-in said about itself while a suite ran. */
export interface Recorded {
  readonly logs: { readonly level: string; readonly event: string; readonly fields: unknown }[];
  readonly reports: { readonly health: PluginHealth; readonly detail: string | undefined }[];
  /** Sum of `count` per metric name. */
  readonly counts: Map<string, number>;
}

/** A host with virtual time and seeded chance that remembers what it is told. */
export interface RecordingHost extends PluginHost {
  readonly clock: VirtualClock;
  readonly recorded: Recorded;
}

/** What a suite may choose about its host. */
export interface RecordingHostOptions {
  readonly instance?: string;
  readonly dataDir?: string;
  readonly seed?: number;
  readonly clock?: VirtualClock;
}

/** Makes a host for one component. */
export function recordingHost(options: RecordingHostOptions = {}): RecordingHost {
  const recorded: Recorded = { logs: [], reports: [], counts: new Map() };
  const prng = new Prng(options.seed ?? 1);
  const log = (level: string) => (event: string, fields?: Readonly<Record<string, unknown>>) =>
    void recorded.logs.push({ level, event, fields });
  return {
    instance: options.instance ?? "under-test",
    dataDir: options.dataDir ?? tmpdir(),
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    clock: options.clock ?? new VirtualClock(),
    random: { unit: () => prng.unit() },
    meter: {
      count: (name, value = 1) =>
        void recorded.counts.set(name, (recorded.counts.get(name) ?? 0) + value),
      gauge: () => undefined,
      observe: () => undefined,
    },
    report: (health, detail) => void recorded.reports.push({ health, detail }),
    error: (code, message, outcome, details) => new ServerError(code, message, outcome, details),
    recorded,
  };
}
