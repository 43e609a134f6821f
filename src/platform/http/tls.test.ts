import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { PeerCertificate, TlsMaterial } from "../../node/ports.ts";
import { CertificateAuthority, type CertificateFiles } from "../../../test/support/certificates.ts";
import {
  type Fixture,
  RawClient,
  startListener,
  until,
} from "../../../test/support/listener-fixture.ts";
import { parseAltNames } from "./peer-certificate.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

let folder: string;
let authority: Pair;
let server: Pair;
let nextServer: Pair;
let client: Pair;
let stranger: Pair;
let fixture: Fixture | undefined;
let seen: PeerCertificate | undefined;

/** The texts of a certificate and its key. */
function read({ cert, key }: CertificateFiles): Pair {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "troupe-tls-"));
  const own = new CertificateAuthority(folder, "authority");
  const other = new CertificateAuthority(folder, "other-authority");
  authority = read(own.pair);
  server = read(own.issue("server", "DNS:localhost,IP:127.0.0.1"));
  nextServer = read(own.issue("next-server", "DNS:localhost,IP:127.0.0.1"));
  client = read(own.issue("client", "DNS:client.local,URI:spiffe://cluster/host/a"));
  stranger = read(other.issue("stranger", "DNS:client.local"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await fixture?.listener.close();
  fixture = undefined;
});

async function start(
  clientCertificate: TlsMaterial["clientCertificate"],
  limits = {},
): Promise<number> {
  seen = undefined;
  fixture = await startListener(
    {
      request(request, response) {
        seen = request.peerCertificate;
        response.send(200, {}, `${request.httpVersion} ${request.secure}`);
      },
    },
    limits,
    { tls: { ...server, ca: authority.cert, clientCertificate } },
  );
  return fixture.listener.port;
}

async function overHttp2(port: number, identity: Partial<Pair> = {}): Promise<string> {
  const session = connectHttp2(`https://localhost:${port}`, { ca: authority.cert, ...identity });
  try {
    return await new Promise<string>((resolve, reject) => {
      session.on("error", reject);
      session.on("close", () => reject(new Error("closed")));
      const stream = session.request({ ":path": "/" });
      let text = "";
      stream.on("error", reject);
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on("end", () => (text === "" ? reject(new Error("no answer")) : resolve(text)));
    });
  } finally {
    session.destroy();
  }
}

async function overHttp1(
  port: number,
  identity: Partial<Pair> = {},
): Promise<TLSSocket & { text: string }> {
  const socket = connectTls({
    port,
    host: "localhost",
    ca: authority.cert,
    ALPNProtocols: ["http/1.1"],
    ...identity,
  });
  const result = Object.assign(socket, { text: "" });
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    result.text += chunk.toString();
  });
  let closed = false;
  socket.on("close", () => {
    closed = true;
  });
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  await until(() => closed);
  return result;
}

const failed = (promise: Promise<string>): Promise<string> =>
  promise.then(
    (text) => `served ${text}`,
    () => "failed",
  );

test("ALPN chooses between HTTP/2 and HTTP/1.1", async () => {
  const port = await start("none");
  expect(await overHttp2(port)).toBe("2 true");
  expect((await overHttp1(port)).text.endsWith("1 true")).toBe(true);
  expect(seen).toBeUndefined();
});

test("a required client certificate is verified and shown on both protocols", async () => {
  const port = await start("required");
  expect(await overHttp2(port, client)).toBe("2 true");
  const expected = {
    subject: "O=Troupe,CN=client",
    altNames: ["DNS:client.local", "URI:spiffe://cluster/host/a"],
  };
  expect(seen).toMatchObject(expected);
  expect(seen?.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  seen = undefined;
  expect((await overHttp1(port, client)).text.endsWith("1 true")).toBe(true);
  expect(seen).toMatchObject(expected);
  expect(await failed(overHttp2(port))).toBe("failed");
  expect(await failed(overHttp2(port, stranger))).toBe("failed");
});

test("an optional client certificate may be absent but not bad", async () => {
  const port = await start("optional");
  expect(await overHttp2(port)).toBe("2 true");
  expect(seen).toBeUndefined();
  expect(await overHttp2(port, client)).toBe("2 true");
  expect(seen?.subject).toBe("O=Troupe,CN=client");
  seen = undefined;
  expect(await failed(overHttp2(port, stranger))).toBe("failed");
  expect(seen).toBeUndefined();
  expect(fixture?.rejected).toContain("tls_client_certificate");
});

test("a new certificate serves new connections", async () => {
  const port = await start("none");
  const subject = async (): Promise<string | undefined> => {
    const socket = connectTls({ port, host: "localhost", ca: authority.cert });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  expect(await subject()).toBe("server");
  fixture?.listener.setTls({ ...nextServer, ca: authority.cert, clientCertificate: "none" });
  expect(await subject()).toBe("next-server");
});

test("a handshake that does not end is ended and counted, as is one that is none", async () => {
  const port = await start("none", { tlsHandshakeTimeoutMs: 100 });
  const slow = new RawClient(port).write(Buffer.from([0x16]));
  const clear = new RawClient(port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await until(() => slow.closed && clear.closed);
  expect(fixture?.rejected.toSorted()).toEqual(["tls_failed", "tls_timeout"]);
});

test("the cap counts connections that have not finished their handshake", async () => {
  const port = await start("none", { maxConnections: 2 });
  const waiting = [connectTcp(port, "127.0.0.1"), connectTcp(port, "127.0.0.1")];
  for (const socket of waiting) {
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
  }
  const third = new RawClient(port);
  await until(() => third.closed);
  expect(fixture?.rejected).toContain("conn_cap");
  for (const socket of waiting) socket.destroy();
});

test("close ends connections within their handshake", async () => {
  const port = await start("none");
  const raw = new RawClient(port).write(Buffer.from([0x16, 3]));
  const session = connectHttp2(`https://localhost:${port}`, { ca: authority.cert });
  session.on("error", () => {});
  await new Promise((resolve) => session.once("connect", resolve));
  await fixture?.listener.close();
  await until(() => raw.closed && session.destroyed);
});

test("a quoted alternative name cannot forge another", () => {
  expect(parseAltNames('DNS:a, DNS:"b, URI:spiffe://forged", IP Address:127.0.0.1')).toEqual([
    "DNS:a",
    "DNS:b, URI:spiffe://forged",
    "IP Address:127.0.0.1",
  ]);
  expect(parseAltNames("")).toEqual([]);
  expect(parseAltNames('DNS:"\\x", DNS:a')).toEqual(["DNS:a"]);
});
