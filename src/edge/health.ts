import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { ServerError } from "../domain/error.ts";
import type { HealthCheckResponse } from "../gen/grpc/health/v1/health_pb.ts";
import {
  type Health,
  HealthCheckResponse_ServingStatus as Serving,
  HealthCheckResponseSchema,
} from "../gen/grpc/health/v1/health_pb.ts";
import type { Clock, HttpResponse } from "../node/ports.ts";
import type { HealthSource } from "./api-options.ts";

const JSON_HEADERS = Object.freeze({
  "content-type": "application/json",
  "cache-control": "no-store",
});
const OK = "ok";
/** How often a watched status is looked at. */
const WATCH_MS = 1_000;
const OWN_SERVICES: ReadonlySet<string> = new Set([
  "",
  "troupe.v1.ActorService",
  "troupe.v1.HostService",
]);

/** True if the node takes calls: running, and every part of it in order. */
export function isReady({ status, checks }: HealthSource): boolean {
  return status() === "running" && Object.values(checks?.() ?? {}).every((state) => state === OK);
}

/** Answers `/livez`, `/readyz` and `/startupz`; false if `path` is none of them. */
export function answerProbe(path: string, source: HealthSource, response: HttpResponse): boolean {
  const up = probe(path, source);
  if (up === undefined) return false;
  const body = { status: source.status(), checks: source.checks?.() ?? {} };
  response.send(up ? 200 : 503, JSON_HEADERS, `${JSON.stringify(body)}\n`);
  return true;
}

function probe(path: string, source: HealthSource): boolean | undefined {
  switch (path) {
    case "/livez":
      // Whoever answers is alive; nothing outside the process may make an orchestrator restart it.
      return true;
    case "/readyz":
      return isReady(source);
    case "/startupz":
      return source.status() !== "starting";
    default:
      return undefined;
  }
}

/**
 * `grpc.health.v1.Health`: the server as a whole stands as `/readyz` does; an actor type is served
 * while a host for it is attached.
 */
export function makeHealthService(
  source: HealthSource,
  clock: Clock,
  typeHealth: ((type: string) => boolean | undefined) | undefined,
): ServiceImpl<typeof Health> {
  const statusOf = (service: string): Serving => {
    const serves = OWN_SERVICES.has(service) ? true : typeHealth?.(service);
    if (serves === undefined) return Serving.SERVICE_UNKNOWN;
    return serves && isReady(source) ? Serving.SERVING : Serving.NOT_SERVING;
  };
  return {
    check({ service }) {
      const status = statusOf(service);
      if (status === Serving.SERVICE_UNKNOWN) {
        const reason = "SERVICE_UNKNOWN";
        throw new ServerError("actor.unknown", "the service is not known", "not_started", {
          reason,
        });
      }
      return create(HealthCheckResponseSchema, { status });
    },
    async *watch({ service }, { signal }): AsyncIterable<HealthCheckResponse> {
      let last: Serving | undefined;
      while (!signal.aborted) {
        const status = statusOf(service);
        if (status !== last) yield create(HealthCheckResponseSchema, { status });
        last = status;
        await pause(clock, signal);
      }
    },
  };
}

/** Waits until it is time to look again, or nobody waits any more. */
function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(WATCH_MS, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", stop);
  });
}
