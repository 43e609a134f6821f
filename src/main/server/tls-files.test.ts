import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CertificateFiles, makeCertificate } from "../../../test/support/certificates.ts";
import { keptLog } from "../../../test/support/edge-server.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { Clock, TlsMaterial } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { readTlsFiles } from "./tls-files.ts";
import { watchTls } from "./tls-watch.ts";

const DAY_MS = 86_400_000;
const folder = tempDir();
const path = (name: string): string => join(folder.path, name);
let one: CertificateFiles;
let two: CertificateFiles;

beforeAll(() => {
  one = makeCertificate(folder.path, "one");
  two = makeCertificate(folder.path, "two");
  writeFileSync(path("text"), "no certificate\n");
});
afterAll(() => folder[Symbol.dispose]());

function reasonOf(tlsCert: string | undefined, tlsKey: string | undefined, laterMs = 0): string {
  const settings = { tlsCert, tlsKey, tlsCa: undefined };
  const read = readTlsFiles(settings, systemClock.wallMs() + laterMs);
  return read.kind === "fault" ? `${read.fault.key} ${read.fault.reason}` : read.kind;
}

describe("certificate files", () => {
  test("that fit are material, with the day they end", () => {
    const settings = { tlsCert: one.cert, tlsKey: one.key, tlsCa: two.cert };
    const read = readTlsFiles(settings, systemClock.wallMs());
    expect(read).toMatchObject({ kind: "material", material: { clientCertificate: "optional" } });
    const leftMs = read.kind === "material" ? read.expiresMs - systemClock.wallMs() : 0;
    expect(Math.round(leftMs / DAY_MS)).toBe(2);
    expect(reasonOf(undefined, undefined)).toBe("none");
  });

  test("that do not fit are refused with the reason", () => {
    expect(reasonOf(one.cert, two.key)).toBe("tls_key tls_mismatch");
    expect(reasonOf(one.cert, one.key, 3 * DAY_MS)).toBe("tls_cert tls_expired");
    expect(reasonOf(one.cert, one.key, -DAY_MS)).toBe("tls_cert tls_expired");
    expect(reasonOf(path("absent"), one.key)).toBe("tls_cert not_found");
    expect(reasonOf(one.cert, folder.path)).toBe("tls_key not_a_file");
    expect(reasonOf(path("text"), one.key)).toBe("tls_cert syntax");
    expect(reasonOf(one.cert, path("text"))).toBe("tls_key syntax");
  });
});

test("changed files are taken up once they fit; until then the old ones stay, and that is said", async () => {
  const settings = { tlsCert: path("live.crt"), tlsKey: path("live.key"), tlsCa: undefined };
  const put = ({ cert, key }: CertificateFiles): void => {
    copyFileSync(cert, settings.tlsCert);
    copyFileSync(key, settings.tlsKey);
  };
  put(one);
  const taken: TlsMaterial[] = [];
  const log: string[] = [];
  const fast: Clock = {
    ...systemClock,
    setTimer: (_delayMs, callback) => systemClock.setTimer(2, callback),
  };
  const reload = (material: TlsMaterial): void => void taken.push(material);
  const stop = await watchTls({ settings, clock: fast, log: keptLog(log), reload });
  put({ cert: two.cert, key: one.key });
  await waitUntil("the mismatch is told", () => log.includes("tls.not_reloaded"));
  expect(taken).toEqual([]);
  put(two);
  await waitUntil("the new pair is taken", () => log.includes("tls.reloaded"));
  expect(taken).toHaveLength(1);
  expect(taken[0]).toMatchObject({ cert: await Bun.file(two.cert).text() });
  stop();
});
