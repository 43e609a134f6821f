import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { makeCertificate } from "../support/certificates.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { isAbsent } from "./support/tools.ts";
import { fatalOf, runToEnd, startDev } from "./support/troupe-process.ts";

/** The common name of the certificate that a new connection is shown. */
function shownName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test.skipIf(isAbsent("openssl"))(
  "certificates are checked at the start and read again when they change",
  async () => {
    using folder = tempDir();
    const first = makeCertificate(folder.path, "first");
    const second = makeCertificate(folder.path, "second");
    const cert = join(folder.path, "live.crt");
    const key = join(folder.path, "live.key");
    copyFileSync(first.cert, cert);
    copyFileSync(first.key, key);
    const args = ["serve", "--tls-cert", cert, "--tls-key", second.key];
    const refused = await runToEnd({ cwd: folder.path, args });
    expect([refused.code, fatalOf(refused).reason]).toEqual([78, "tls_mismatch"]);
    const half = await runToEnd({ cwd: folder.path, args: args.slice(0, 3) });
    expect([half.code, fatalOf(half).reason]).toEqual([78, "tls_pair"]);

    const env = { TROUPE_TLS_CERT: cert, TROUPE_TLS_KEY: key };
    await using server = await startDev(folder.path, undefined, { env });
    expect(server.url).toStartWith("https://");
    expect(await shownName(server.port)).toBe("first");
    const call = ["invoke", "counter/a", "add", "1", "--url", server.url];
    const stranger = await runToEnd({ cwd: folder.path, args: call });
    expect([stranger.code, stranger.stdout]).toEqual([69, ""]);
    expect(stranger.stderr).toContain("NODE_EXTRA_CA_CERTS");
    const trusting = { NODE_EXTRA_CA_CERTS: first.cert };
    const known = await runToEnd({ cwd: folder.path, args: call, env: trusting });
    expect([known.code, known.stdout]).toEqual([0, "1\n"]);

    copyFileSync(second.cert, cert);
    await waitUntil("half a change is refused", () => server.logged("tls.not_reloaded").length > 0);
    expect(await shownName(server.port)).toBe("first");
    copyFileSync(second.key, key);
    await waitUntil("the change is taken up", () => server.logged("tls.reloaded").length > 0);
    expect(await shownName(server.port)).toBe("second");
  },
);
