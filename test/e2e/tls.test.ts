import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { tempDir } from "../support/temp-dir.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { bundleClient } from "./support/bundle-client.ts";
import { CertificateAuthority, type CertificateFiles } from "../support/certificates.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent, reportOf, runTool } from "./support/tools.ts";
import { ROOT, startDev, type TroupeServer } from "./support/troupe-process.ts";

const onNode = test.skipIf(isAbsent("node"));
const noCurl = isAbsent("curl");

describe.skipIf(isAbsent("openssl"))("over TLS", () => {
  const folder = tempDir();
  let server: TroupeServer;
  let ca: string;
  let mine: CertificateFiles;
  let strange: CertificateFiles;

  beforeAll(async () => {
    const authority = new CertificateAuthority(folder.path, "authority");
    const { cert, key } = authority.issue("server", "IP:127.0.0.1,DNS:localhost");
    mine = authority.issue("client", "DNS:client.test");
    strange = new CertificateAuthority(folder.path, "stranger").issue("client", "DNS:client.test");
    ca = authority.pair.cert;
    const env = { TROUPE_TLS_CERT: cert, TROUPE_TLS_KEY: key, TROUPE_TLS_CA: ca };
    server = await startDev(folder.path, undefined, { env });
  });
  afterAll(async () => {
    await server.kill9();
    folder[Symbol.dispose]();
  });

  onNode.each(["connect-1", "connect-2", "grpc", "grpc-web-1"])(
    "connect-node speaks %s",
    async (protocol) => {
      const client = await bundleClient("connect-node-client", folder.path, "node");
      const run = await runTool(["node", client, protocol, server.url, protocol, ca]);
      expectReport(reportOf<ClientReport>(run), { bidi: !protocol.includes("-1") });
    },
  );

  const grpcJs = async (key: string, pair?: CertificateFiles) => {
    const client = await bundleClient("grpc-js-client", folder.path, "node");
    const files = pair === undefined ? [ca] : [ca, pair.cert, pair.key];
    const address = `127.0.0.1:${server.port}`;
    return runTool(["node", client, join(ROOT, "proto"), address, key, ...files]);
  };

  onNode("grpc-js speaks gRPC, with a certificate of its own or without", async () => {
    expectReport(reportOf<ClientReport>(await grpcJs("bare")), { bidi: true });
    expectReport(reportOf<ClientReport>(await grpcJs("known", mine)), { bidi: true });
  });

  onNode("a certificate of a strange authority is refused", async () => {
    const { code, stderr } = await grpcJs("strange", strange);
    expect(code).not.toBe(0);
    expect(stderr).toContain("UNAVAILABLE");
  });

  test("ALPN chooses HTTP/2 or HTTP/1.1, and nothing else", async () => {
    const negotiated = (ALPNProtocols: string[]) =>
      new Promise<string>((resolve) => {
        const options = {
          port: server.port,
          host: "127.0.0.1",
          ca: readFileSync(ca),
          ALPNProtocols,
        };
        const socket = connectTls(options, () => {
          resolve(String(socket.alpnProtocol));
          socket.destroy();
        });
        socket.on("error", (error: NodeJS.ErrnoException) => resolve(`refused ${error.code}`));
      });
    expect(await negotiated(["h2", "http/1.1"])).toBe("h2");
    expect(await negotiated(["http/1.1"])).toBe("http/1.1");
    expect(await negotiated(["spdy/3"])).toStartWith("refused ");
  });

  test.skipIf(noCurl)("curl checks the certificate and calls by HTTP/2 and HTTP/1.1", async () => {
    for (const [version, key] of [
      ["--http1.1", "one"],
      ["--http2", "two"],
    ] as const) {
      const url = `${server.url}/v1/counter/curl-${key}/add`;
      const call = ["-s", "-H", "content-type: application/json", "-d", "4", version];
      expect((await runTool(["curl", ...call, "--cacert", ca, url])).stdout).toBe("4");
      // Code 60: the peer's certificate cannot be verified.
      expect((await runTool(["curl", ...call, url])).code).toBe(60);
    }
  });

  test("bytes in the clear are refused, and the server goes on", async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write("GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
      });
      socket.on("data", (chunk) => (text += chunk.toString("latin1")));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
    });
    expect(answer).not.toContain("200 OK");
    const live = await runTool(["curl", "-s", "--cacert", ca, `${server.url}/livez`]);
    expect(live.code).toBe(0);
  });
});
