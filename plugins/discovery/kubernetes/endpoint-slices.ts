import type { Seed } from "../../../src/contract/index.ts";

/** One page of a list of EndpointSlices. */
export interface SlicePage {
  readonly seeds: readonly Seed[];
  /** Where the next page begins; "" if this was the last. */
  readonly next: string;
}

/**
 * Reads a page of `discovery.k8s.io/v1` EndpointSliceList; `undefined` if it is none. Endpoints that
 * are not ready count: a member joins before it is. Those that are ending do not. The port is that
 * of the name, else `peerPort`.
 */
export function readSlices(
  body: unknown,
  portName: string,
  peerPort: number,
): SlicePage | undefined {
  if (!isMap(body) || body["kind"] !== "EndpointSliceList" || !Array.isArray(body["items"])) {
    return undefined;
  }
  const metadata = isMap(body["metadata"]) ? body["metadata"] : {};
  const next = typeof metadata["continue"] === "string" ? metadata["continue"] : "";
  const seeds = body["items"].flatMap((slice) => seedsOf(slice, portName, peerPort));
  return { seeds, next };
}

function seedsOf(slice: unknown, portName: string, peerPort: number): Seed[] {
  if (!isMap(slice)) return [];
  const port = portOf(slice["ports"], portName) ?? peerPort;
  const endpoints = Array.isArray(slice["endpoints"]) ? slice["endpoints"] : [];
  return endpoints.flatMap((endpoint: unknown) => {
    if (!isMap(endpoint) || !Array.isArray(endpoint["addresses"])) return [];
    const conditions = isMap(endpoint["conditions"]) ? endpoint["conditions"] : {};
    if (conditions["terminating"] === true) return [];
    return endpoint["addresses"]
      .filter((address): address is string => typeof address === "string")
      .map((host) => ({ host, port }));
  });
}

function portOf(ports: unknown, portName: string): number | undefined {
  if (!Array.isArray(ports)) return undefined;
  const found: unknown = ports.find((each) => isMap(each) && each["name"] === portName);
  const port: unknown = isMap(found) ? found["port"] : undefined;
  return typeof port === "number" ? port : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
