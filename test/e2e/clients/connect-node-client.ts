import { readFileSync } from "node:fs";
import {
  Http2SessionManager,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import type { Transport } from "@connectrpc/connect";
import { connectScenario } from "./connect-scenario.ts";

// node connect-node-client.mjs <protocol> <url> <key> [<ca file>]
const [protocol = "", baseUrl = "", key = "", ca] = process.argv.slice(2);
const nodeOptions = ca === undefined ? {} : { ca: readFileSync(ca) };
const sessions = new Http2SessionManager(baseUrl, {}, nodeOptions);

const transports: Readonly<Record<string, () => Transport>> = {
  "connect-1": () => createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
  "connect-1-json": () =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions, useBinaryFormat: false }),
  "connect-2": () =>
    createConnectTransport({ baseUrl, httpVersion: "2", sessionManager: sessions }),
  grpc: () => createGrpcTransport({ baseUrl, sessionManager: sessions }),
  "grpc-web-1": () => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
  "grpc-web-2": () =>
    createGrpcWebTransport({ baseUrl, httpVersion: "2", sessionManager: sessions }),
};

const transport = transports[protocol]?.();
if (transport === undefined) throw new Error(`there is no protocol ${protocol}`);
const bidi = !protocol.includes("-1");
// A session that is ended may have reads under way, whose failure nobody waits for.
process.on("unhandledRejection", () => undefined);
const report = await connectScenario(transport, key, { bidi });
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
