import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { bundleClient } from "./support/bundle-client.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent, reportOf, runTool } from "./support/tools.ts";
import { ROOT, startDev, type TroupeServer } from "./support/troupe-process.ts";

const folder = tempDir();
const noNode = isAbsent("node");
const noCurl = isAbsent("curl");
let server: TroupeServer;
beforeAll(async () => {
  server = await startDev(folder.path);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const RUNTIMES = [
  ["node", "node", noNode],
  ["bun", process.execPath, false],
] as const;

describe.each(RUNTIMES)("on %s", (runtime, program, absent) => {
  test
    .skipIf(absent)
    .each(["connect-1", "connect-1-json", "connect-2", "grpc", "grpc-web-1", "grpc-web-2"])(
    "connect-node speaks %s",
    async (protocol) => {
      const client = await bundleClient("connect-node-client", folder.path, "node");
      const run = await runTool([program, client, protocol, server.url, `${runtime}-${protocol}`]);
      expectReport(reportOf<ClientReport>(run), { bidi: !protocol.includes("-1") });
    },
  );

  test.skipIf(absent)("grpc-js speaks gRPC", async () => {
    const client = await bundleClient("grpc-js-client", folder.path, "node");
    const protos = join(ROOT, "proto");
    const address = `127.0.0.1:${server.port}`;
    const run = await runTool([program, client, protos, address, `${runtime}-grpc-js`]);
    expectReport(reportOf<ClientReport>(run), { bidi: true });
  });
});

test.skipIf(noCurl)("curl calls, repeats, reads and is refused in JSON", async () => {
  const curl = async (path: string, ...more: string[]) => {
    const url = `${server.url}/v1/counter/${path}`;
    const write = ["--write-out", "\n%{http_code} %header{x-troupe-replayed}"];
    return (await runTool(["curl", "--silent", ...write, ...more, url])).stdout;
  };
  const post = ["-X", "POST", "-H", "content-type: application/json", "-d", "2"];
  const once = ["-H", "idempotency-key: once"];
  expect(await curl("curl/add", ...post, ...once)).toBe("2\n200 ");
  expect(await curl("curl/add", ...post, ...once)).toBe("2\n200 true");
  expect(await curl("curl")).toBe('{"count":2}\n200 ');
  expect(await curl("curl/nothing", ...post)).toEndWith("\n404 ");
  expect(
    await curl(
      "curl/slow",
      "-H",
      "content-type: application/json",
      "-d",
      "9999",
      "-H",
      "x-troupe-deadline-ms: 50",
    ),
  ).toEndWith("\n504 ");
  const connect = `${server.url}/troupe.v1.ActorService/GetState`;
  const body = '{"actor":{"type":"counter","key":"curl"}}';
  const { stdout } = await runTool([
    "curl",
    "-s",
    "-H",
    "content-type: application/json",
    "-d",
    body,
    connect,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ revision: "1" });
});
