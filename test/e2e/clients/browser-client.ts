import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { ClientReport } from "./client-report.ts";
import { connectScenario } from "./connect-scenario.ts";

/** What a page sees of the JSON interface. */
interface JsonReport {
  readonly body: unknown;
  readonly revision: string | null;
  readonly replayed: string | null;
}

/** What the page offers to whoever drives the browser. */
export interface BrowserClient {
  rpc(protocol: string, baseUrl: string, key: string): Promise<ClientReport>;
  json(baseUrl: string, path: string): Promise<JsonReport>;
}

const client: BrowserClient = {
  rpc(protocol, baseUrl, key) {
    const make = protocol === "grpc-web" ? createGrpcWebTransport : createConnectTransport;
    return connectScenario(make({ baseUrl }), key, { bidi: false });
  },
  async json(baseUrl, path) {
    const headers = { "content-type": "application/json", "idempotency-key": "page" };
    const response = await fetch(`${baseUrl}/v1/${path}`, { method: "POST", headers, body: "1" });
    return {
      body: await response.json(),
      revision: response.headers.get("x-troupe-revision"),
      replayed: response.headers.get("x-troupe-replayed"),
    };
  },
};
Object.assign(globalThis, { client });
