// The actors of the benchmarks in a process of their own: attached-host.ts <url> <websocket|grpc>
import { serveHost } from "troupe/host";
import { counter, small } from "./bench-counter.ts";

const [url = "", transport = "websocket"] = process.argv.slice(2);
if (transport !== "websocket" && transport !== "grpc") throw new Error(`no ${transport} here`);
await serveHost({ url, actors: [counter, small], transport, credit: 1000 });
console.log("attached");
