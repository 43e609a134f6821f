import type { Settings } from "../../kernel/settings.ts";
import { formatValue } from "../../kernel/value-types.ts";

/** Ports of the second member are those of the first and this much more, and so on. */
const PORT_STEP = 10;

/**
 * The flags that make members out of the settings of one. They differ in their names and ports and
 * know each other as seeds; an embedded store is shared. With `onePort` they take calls on one client
 * port, else each on its own.
 */
export function memberFlags(
  settings: Settings,
  nodeName: string,
  count: number,
  onePort: boolean,
): readonly Readonly<Record<string, string>>[] {
  const { httpAddr, adminAddr, peerAddr, selections, seeds } = settings;
  const at = (address: { readonly host: string; readonly port: number }, index: number): string => {
    const port = address.port === 0 ? 0 : address.port + PORT_STEP * index;
    return formatValue("address", { host: address.host, port });
  };
  const embedded = selections.some(
    ({ contract, plugin }) => contract === "statestore@1" && plugin === "sqlite",
  );
  const own = Array.from({ length: count }, (_, index) => at(peerAddr, index));
  // Ports that are not known yet are found by the sessions that name them.
  const known = peerAddr.port !== 0;
  const found = (peer: string): Readonly<Record<string, string>> =>
    known
      ? { seeds: [...seeds, ...own.filter((other) => other !== peer)].join(",") }
      : { discovery: "store" };
  return own.map((peer, index) => ({
    "node-name": `${nodeName}-${index + 1}`,
    "http-addr": onePort ? at(httpAddr, 0) : at(httpAddr, index),
    "admin-addr": at(adminAddr, index),
    "peer-addr": peer,
    "stop-with-stdin": "true",
    ...found(peer),
    ...(onePort && { "reuse-port": "true", workers: "1" }),
    ...(embedded && { "statestore-mode": "shared" }),
  }));
}
