import type { AccessQuestion, PluginMeter } from "../../contract/index.ts";
import type { CallTracing } from "../../edge/invoke-call.ts";
import { Instruments, type Readings } from "../../node/instruments.ts";
import { pluginMeter } from "../../node/plugin-meter.ts";
import type { Clock, Logger } from "../../node/ports.ts";
import { measureLoopLag } from "./loop-lag.ts";
import { renderPrometheus } from "./prometheus.ts";

/** What the telemetry of one node needs. */
export interface TelemetryOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly nodeName: string;
}

/** Metrics and traces of one node, and the log line of each refusal by policy. */
export class Telemetry {
  readonly instruments = new Instruments();
  readonly tracing: CallTracing | undefined;
  readonly #log: Logger;
  readonly #stopLag: () => void;

  constructor({ log, clock }: TelemetryOptions) {
    this.#log = log;
    this.#stopLag = measureLoopLag(clock, (ms) => this.instruments.loopLag(ms));
  }

  pluginMeter(plugin: string): PluginMeter {
    return pluginMeter(this.instruments.metrics, plugin);
  }

  /** A call that the policy refused; the rule that decided is for the operator alone. */
  denied(question: AccessQuestion, rule: string): void {
    this.instruments.rejected("acl", question.kind);
    this.#log.warn("acl.denied", { caller: question.caller.id, kind: question.kind, rule });
  }

  /** Says where the values come from that are read at each scrape. */
  read(readings: Readings): void {
    this.instruments.read(readings);
  }

  /** The metrics in the text format of Prometheus. */
  metrics(): string {
    return renderPrometheus(this.instruments.metrics.families());
  }

  /** Sends what is left of the spans. */
  async stop(): Promise<void> {
    this.#stopLag();
  }
}
