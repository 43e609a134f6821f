import type { ActorTypeSpec } from "../../domain/actor.ts";
import type { Settings } from "../../kernel/settings.ts";
import { formatValue } from "../../kernel/value-types.ts";
import type { Paint } from "../cli/terminal.ts";
import type { Server } from "../server/server.ts";

/** What someone in front of a terminal wants to know of a server that is ready. */
export function greeting(server: Server, settings: Settings, paint: Paint): string {
  const scheme = settings.tlsCert === undefined ? "http" : "https";
  const admin = formatValue("address", { host: settings.adminAddr.host, port: server.adminPort });
  const types = server.inProcess?.types ?? [];
  const lines = [
    "",
    `  ${paint.bold("Troupe")} is ready at ${paint.bold(server.url)}`,
    `  store   ${server.storeText} in ${settings.dataDir}`,
    `  admin   ${scheme}://${admin} (metrics, health)`,
    ...types.map((type) => `  actor   ${actorLine(type)}`),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** An actor type with its actions, `counter: add, get`. */
export function actorLine({ type, actions }: ActorTypeSpec): string {
  return `${type}: ${actions.map(({ name }) => name).join(", ")}`;
}

/** A call to try. */
export function tryLine(url: string, types: readonly ActorTypeSpec[]): string {
  const [type] = types;
  if (type === undefined) return "  attach a host, or name a module: troupe dev actors.ts\n\n";
  const action = type.actions.find(({ readOnly }) => !readOnly)?.name ?? "get";
  const path = `/v1/${type.type}/bar/${action}`;
  return `  curl -X POST ${url}${path} -H 'content-type: application/json' -d 1\n\n`;
}
