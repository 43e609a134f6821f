import process from "node:process";
import type { AccessQuestion, PluginMeter } from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import { Instruments, type Readings } from "../../node/instruments.ts";
import { Metrics } from "../../node/metrics.ts";
import { pluginMeter } from "../../node/plugin-meter.ts";
import type { Clock, Logger } from "../../node/ports.ts";
import type { Tracer } from "../../node/trace.ts";
import { systemRandom } from "../../platform/random.ts";
import { build } from "../server/version.ts";
import { measureLoopLag } from "./loop-lag.ts";
import { renderPrometheus } from "./prometheus.ts";

export interface TelemetryOptions {
  /** `dropped` counts lines that were not written. */
  readonly log: Logger & { readonly dropped?: number };
  readonly clock: Clock;
  readonly nodeName: string;
  /** Series of all metrics together; further label values are counted as one. */
  readonly metricSeries?: number;
}

/** Refusals by policy that are logged in one second; the others are counted alone. */
const DENIED_LINES = 10;
const SECOND_MS = 1_000;

/** What a running node tells about itself: metrics, traces and refusals by policy. */
export class Telemetry {
  /** What the node and the edge count. */
  readonly instruments: Instruments;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #stopLag: () => void;
  readonly #nodeName: string;
  #tracing: Tracer | undefined;
  #deniedSinceMs = -Infinity;
  #denied = 0;

  constructor({ log, clock, nodeName, metricSeries }: TelemetryOptions) {
    this.instruments = new Instruments(new Metrics(metricSeries));
    this.#log = log;
    this.#clock = clock;
    this.#nodeName = nodeName;
    const { version, commit } = build;
    const { metrics } = this.instruments;
    metrics.gauge("build_info", "Always 1.", ["version", "commit"]).set(1, version, commit);
    metrics.counterOf("log_dropped_total", "Log lines not written.", () => log.dropped ?? 0);
    this.#stopLag = measureLoopLag(clock, (ms) => this.instruments.loopLag(ms));
  }

  /** Says where the values come from that are read at each scrape. Called once. */
  read(readings: Readings): void {
    this.instruments.read(readings);
  }

  /** Opens and ends the spans of calls; `undefined` where no collector is set: nothing is traced. */
  get tracing(): Tracer | undefined {
    return this.#tracing;
  }

  /** Makes the tracer if the environment says anything about traces; only then is its library loaded. */
  async start(): Promise<void> {
    if (!Object.keys(process.env).some((name) => name.startsWith("OTEL_"))) return;
    const { makeTracer } = await import("./tracing.ts");
    this.#tracing = makeTracer({
      env: process.env,
      nodeName: this.#nodeName,
      version: build.version,
      random: systemRandom,
      log: this.#log,
    });
  }

  pluginMeter(plugin: string): PluginMeter {
    return pluginMeter(this.instruments.metrics, plugin);
  }

  /** All metrics in the text format of Prometheus. */
  metrics(): string {
    return renderPrometheus(this.instruments.metrics.families());
  }

  /** One refusal by policy: counted, and logged within bounds. */
  denied(question: AccessQuestion, rule: string): void {
    this.instruments.rejected("acl", "ACCESS_DENIED");
    const now = this.#clock.now();
    if (now - this.#deniedSinceMs >= SECOND_MS) {
      const more = this.#denied - DENIED_LINES;
      if (more > 0) this.#log.warn("acl.denied", { suppressed: more });
      this.#deniedSinceMs = now;
      this.#denied = 0;
    }
    this.#denied += 1;
    if (this.#denied > DENIED_LINES) return;
    const { kind, caller } = question;
    const by = { kind, caller_kind: caller.kind, caller: caller.id, rule };
    this.#log.warn("acl.denied", { ...by, what: subject(question) });
  }

  /** Sends the spans that are left, within a few seconds. */
  async stop(): Promise<void> {
    this.#stopLag();
    await this.#tracing?.shutdown();
  }
}

function subject(question: AccessQuestion): string {
  if (question.kind === "invoke") return `${actorPath(question.target)} ${question.action}`;
  return question.kind === "admin" ? question.operation : question.channel;
}
