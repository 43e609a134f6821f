import type { Family, Sample } from "../../node/metrics.ts";

const PREFIX = "troupe_";

/** Metrics in the text format of Prometheus, version 0.0.4. */
export function renderPrometheus(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const family of families) {
    const name = PREFIX + family.name;
    lines.push(`# HELP ${name} ${escapeHelp(family.help)}`, `# TYPE ${name} ${family.kind}`);
    for (const sample of family.samples()) {
      const labels = family.labelNames.map((label, index) =>
        pair(label, sample.labels[index] ?? ""),
      );
      if (family.kind === "histogram")
        lines.push(...histogram(name, labels, family.bounds, sample));
      else lines.push(`${name}${braced(labels)} ${number(sample.value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function histogram(
  name: string,
  labels: readonly string[],
  bounds: readonly number[],
  { value, buckets = [], sum = 0 }: Sample,
): string[] {
  const prefix = labels.length === 0 ? "" : `${labels.join(",")},`;
  let total = 0;
  const lines = bounds.map((bound, index) => {
    total += buckets[index] ?? 0;
    return `${name}_bucket{${prefix}le="${number(bound)}"} ${total}`;
  });
  const all = braced(labels);
  lines.push(`${name}_bucket{${prefix}le="+Inf"} ${value}`);
  lines.push(`${name}_sum${all} ${number(sum)}`, `${name}_count${all} ${value}`);
  return lines;
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function pair(label: string, value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `${label}="${escaped}"`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
