import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { authenticatorSuite, credentials } from "../../../test/conformance/authenticator.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import plugin from "./plugin.ts";

const TOKEN = "Zk3vT8q1pXw6mN0rYb5sLd9hGc2eJfUa";
const OTHER = "aUfJe2cGh9dLs5bYr0Nm6wXp1q8Tv3kZ";
const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");
const bearer = (token: string, remoteAddress = "192.0.2.1") =>
  credentials({ authorization: `Bearer ${token}`, remoteAddress });

const folder = tempDir();
const file = join(folder.path, "tokens");
writeFileSync(file, `# who may\n\nalice:${hashOf(TOKEN)}:operator,auditor\n`);
afterAll(() => folder[Symbol.dispose]());

authenticatorSuite({
  name: plugin.name,
  create: (host) => plugin.create({ file, tokens: [] }, host),
  accepted: {
    credentials: bearer(TOKEN),
    caller: { kind: "client", id: "alice", roles: ["operator", "auditor"] },
  },
});

/** A started authenticator over these lines. */
async function open(text: string, into: string) {
  const path = join(into, "tokens");
  writeFileSync(path, text);
  const host = recordingHost();
  const authenticator = plugin.create({ file: path, tokens: [] }, host);
  await authenticator.start();
  return { authenticator, host, path };
}

describe("tokens", () => {
  test("of the option name clients, and the scheme is read in any case", () => {
    const config = { file: "", tokens: [`bob=${TOKEN}`, `eve=${OTHER}=`] };
    const authenticator = plugin.create(config, recordingHost());
    const authorization = `bEARER ${TOKEN}`;
    expect(authenticator.authenticate(credentials({ authorization }))).toEqual({
      kind: "client",
      id: "bob",
      roles: [],
    });
    expect(authenticator.authenticate(bearer(`${OTHER}=`))?.id).toBe("eve");
  });

  test("of a file may name hosts and admins, and one caller may have two", async () => {
    using own = tempDir();
    const text = `w:${hashOf(TOKEN)}::host\nw:${hashOf(OTHER).toUpperCase()}:ops:admin\r\n`;
    const { authenticator } = await open(text, own.path);
    expect(authenticator.authenticate(bearer(TOKEN))).toEqual({ kind: "host", id: "w", roles: [] });
    expect(authenticator.authenticate(bearer(OTHER))).toEqual({
      kind: "admin",
      id: "w",
      roles: ["ops"],
    });
    await authenticator.stop();
  });

  test("are refused by their hash, and beyond 8 KiB without a look", () => {
    const long = "x".repeat(9_000);
    const host = recordingHost();
    const authenticator = plugin.create({ file: "", tokens: [`a=${TOKEN}`, `b=${long}`] }, host);
    expect(authenticator.authenticate(bearer(hashOf(TOKEN)))).toBeUndefined();
    expect(authenticator.authenticate(bearer(long))).toBeUndefined();
    expect(host.recorded.counts.get("unknown_total")).toBe(1);
  });

  test.each([
    [{ file: "", tokens: [] }],
    [{ file: "", tokens: ["a=short"] }],
    [{ file: "", tokens: [TOKEN] }],
    [{ file: "", tokens: [`a b=${TOKEN}`] }],
    [{ file: "", tokens: [`a=${TOKEN}`, `b=${TOKEN}`] }],
  ])("%j is refused before the start, without showing a token", (config) => {
    let message = "";
    try {
      plugin.create(config, recordingHost());
    } catch (error) {
      message = String(error);
    }
    expect(message).not.toBe("");
    expect(message).not.toContain(TOKEN);
  });

  test.each([
    ["alice", "line 1"],
    [`alice:${TOKEN}`, "line 1: the token of alice is not a SHA-256"],
    [`#\na b:${hashOf(TOKEN)}`, "line 2: the name"],
    [`a:${hashOf(TOKEN)}:ops,,x`, "a role"],
    [`a:${hashOf(TOKEN)}:ops:root`, "the kind of a"],
    [`a:${hashOf(TOKEN)}:ops:admin:x`, "more than four"],
    [`a:${hashOf(TOKEN)}\nb:${hashOf(TOKEN)}`, "a and b share a token"],
  ])("a file with %j is refused", async (text, part) => {
    using own = tempDir();
    const opened = open(text, own.path);
    await expect(opened).rejects.toThrow(part);
    await expect(opened).rejects.toMatchObject({ details: { exitCode: 78 } });
    await opened.catch((error: unknown) => expect(String(error)).not.toContain(TOKEN));
  });

  test("a file that is missing is refused", async () => {
    const missing = plugin.create({ file: "/nowhere/tokens", tokens: [] }, recordingHost());
    await expect(missing.start()).rejects.toMatchObject({ details: { reason: "not_found" } });
  });
});

test("a right token is accepted whatever others guess from its address", () => {
  const host = recordingHost();
  const authenticator = plugin.create({ file: "", tokens: [`a=${TOKEN}`] }, host);
  for (let guess = 0; guess < 1_000; guess += 1) authenticator.authenticate(bearer("guess"));
  expect(authenticator.authenticate(bearer(TOKEN))?.id).toBe("a");
  expect(host.recorded.counts.get("unknown_total")).toBe(1_000);
});

test("the file is reloaded when it changes, and a bad one leaves the tokens as they were", async () => {
  using own = tempDir();
  const { authenticator, host, path } = await open(`a:${hashOf(TOKEN)}\n`, own.path);
  const reloaded = async (metric: string) =>
    waitUntil("the token file is looked at", async () => {
      await host.clock.advance(1_000);
      return host.recorded.counts.get(metric) === 1;
    });
  writeFileSync(path, "a:half");
  await reloaded("reload_rejected_total");
  expect(authenticator.authenticate(bearer(TOKEN))?.id).toBe("a");
  expect(host.recorded.reports.at(-1)?.health).toBe("degraded");
  writeFileSync(path, `b:${hashOf(OTHER)}\n`);
  await reloaded("reload_total");
  expect(authenticator.authenticate(bearer(TOKEN))).toBeUndefined();
  expect(authenticator.authenticate(bearer(OTHER))?.id).toBe("b");
  expect(host.recorded.reports.at(-1)?.health).toBe("ok");
  await authenticator.stop();
  expect(host.clock.pending).toBe(0);
});
