import type { PluginMeter } from "../contract/index.ts";
import type { StringMap } from "../domain/invocation.ts";
import type { Family, Metrics } from "./metrics.ts";

const BOUNDS: readonly number[] = Object.freeze([
  0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000,
]);
const HELP = "Of a plug-in.";
const NO_LABELS: StringMap = Object.freeze({});

/**
 * The metrics of one plug-in, under `plugin_<name>_`. Up to two labels are kept, those that come
 * first by name; a metric keeps the labels that it was first used with.
 */
export function pluginMeter(metrics: Metrics, plugin: string): PluginMeter {
  const full = (name: string): string => `plugin_${plugin}_${name}`.replaceAll(/[^a-z0-9_]/gi, "_");
  return {
    count: (name, value = 1, labels = NO_LABELS) => {
      const counter = metrics.counter(full(name), HELP, namesOf(labels));
      counter.add(value, ...valuesOf(counter, labels));
    },
    gauge: (name, value, labels = NO_LABELS) => {
      const gauge = metrics.gauge(full(name), HELP, namesOf(labels));
      gauge.set(value, ...valuesOf(gauge, labels));
    },
    observe: (name, value, labels = NO_LABELS) => {
      const histogram = metrics.histogram(full(name), HELP, namesOf(labels), BOUNDS);
      histogram.observe(value, ...valuesOf(histogram, labels));
    },
  };
}

function namesOf(labels: StringMap): readonly string[] {
  return Object.keys(labels).sort().slice(0, 2);
}

function valuesOf({ labelNames }: Family, labels: StringMap): readonly [string, string] {
  const [first = "", second = ""] = labelNames;
  return [labels[first] ?? "", labels[second] ?? ""];
}
