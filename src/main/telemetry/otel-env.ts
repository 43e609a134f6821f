/** What the standard variables of OpenTelemetry say about traces. */
export interface OtelSettings {
  /** Where spans go, or `undefined` if tracing is off. */
  readonly tracesUrl: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: SamplerSettings;
  /** One line for each variable that is set to what is not offered. */
  readonly warnings: readonly string[];
}

/** Whether calls are sampled: by their parent if there is one and it counts, else by the ratio. */
export interface SamplerSettings {
  readonly parentBased: boolean;
  /** Share of calls without such a parent, 0 to 1. */
  readonly ratio: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const SAMPLERS: Readonly<
  Record<string, { readonly parentBased: boolean; readonly ratio?: number }>
> = {
  always_on: { parentBased: false, ratio: 1 },
  always_off: { parentBased: false, ratio: 0 },
  traceidratio: { parentBased: false },
  parentbased_always_on: { parentBased: true, ratio: 1 },
  parentbased_always_off: { parentBased: true, ratio: 0 },
  parentbased_traceidratio: { parentBased: true },
};
const DEFAULT_SAMPLER: SamplerSettings = { parentBased: true, ratio: 1 };

/**
 * Reads `OTEL_*` (OpenTelemetry, environment variable specification). An empty variable is one that
 * is not set. Never throws: a value that cannot be used is named in `warnings`.
 */
export function readOtelEnv(env: Env): OtelSettings {
  const warnings: string[] = [];
  return {
    tracesUrl: tracesUrl(env, warnings),
    headers: pairs(
      env,
      "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
      "OTEL_EXPORTER_OTLP_HEADERS",
      warnings,
    ),
    attributes: attributes(env, warnings),
    sampler: sampler(env, warnings),
    warnings,
  };
}

function tracesUrl(env: Env, warnings: string[]): string | undefined {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined;
  const exporter = env["OTEL_TRACES_EXPORTER"] || "otlp";
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const shared = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  const text = own || (shared ? `${shared.replace(/\/+$/, "")}/v1/traces` : "");
  if (text === "" || exporter === "none") return undefined;
  if (exporter !== "otlp") {
    warnings.push("OTEL_TRACES_EXPORTER: only otlp and none are offered; tracing is off");
    return undefined;
  }
  const protocol =
    env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || env["OTEL_EXPORTER_OTLP_PROTOCOL"] || "http/json";
  if (protocol !== "http/json") {
    warnings.push("OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json whatever it says");
  }
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  warnings.push("OTEL_EXPORTER_OTLP_ENDPOINT: it is no http or https URL; tracing is off");
  return undefined;
}

function sampler(env: Env, warnings: string[]): SamplerSettings {
  const name = env["OTEL_TRACES_SAMPLER"] || "parentbased_always_on";
  const chosen = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (chosen === undefined) {
    warnings.push(`OTEL_TRACES_SAMPLER: there are ${Object.keys(SAMPLERS).join(", ")}`);
    return DEFAULT_SAMPLER;
  }
  const { parentBased } = chosen;
  if (chosen.ratio !== undefined) return { parentBased, ratio: chosen.ratio };
  const ratio = Number(env["OTEL_TRACES_SAMPLER_ARG"] || "1");
  if (ratio >= 0 && ratio <= 1) return { parentBased, ratio };
  warnings.push("OTEL_TRACES_SAMPLER_ARG: it must be a number from 0 to 1; 1 is used");
  return { parentBased, ratio: 1 };
}

function attributes(env: Env, warnings: string[]): Readonly<Record<string, string>> {
  const found = pairs(env, "OTEL_RESOURCE_ATTRIBUTES", "", warnings);
  const name = env["OTEL_SERVICE_NAME"];
  return name ? { ...found, "service.name": name } : { "service.name": "troupe", ...found };
}

/** `a=b,c=d` with percent-encoded values (W3C Baggage); the second variable where the first is unset. */
function pairs(
  env: Env,
  first: string,
  second: string,
  warnings: string[],
): Readonly<Record<string, string>> {
  const name = env[first] ? first : second;
  const found: Record<string, string> = {};
  for (const part of (env[name] ?? "").split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    try {
      if (at < 1) throw new TypeError("no name");
      found[part.slice(0, at).trim()] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      warnings.push(`${name}: it must be name=value,name=value`);
    }
  }
  return found;
}
