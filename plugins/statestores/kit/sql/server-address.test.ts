import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { statestoreHost } from "../../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../../test/support/temp-dir.ts";
import {
  isLoopback,
  maskPassword,
  type ServerKind,
  type ServerOptions,
  serverAddress,
  serverOptions,
} from "./server-address.ts";

const KIND: ServerKind = {
  schemes: ["postgres", "postgresql"],
  port: 5_432,
  user: "postgres",
  socketIn: (folder, port) => `${folder}/.s.${port}`,
};

function addressOf(changes: Partial<ServerOptions>) {
  const defaults = Object.fromEntries(
    Object.entries(serverOptions(KIND)).map(([name, option]) => [name, option.default]),
  );
  const options = { ...defaults, ...changes } as ServerOptions;
  return serverAddress(options, KIND, statestoreHost(""));
}

function refusalOf(changes: Partial<ServerOptions>): unknown {
  try {
    return addressOf(changes);
  } catch (error) {
    return error;
  }
}

describe("a URL", () => {
  test("names everything, percent-decoded", () => {
    const url = "postgresql://us%40er:p%3A%2F%40%25w@db.example.com:6432/na%20me?sslmode=require";
    expect(addressOf({ url })).toEqual({
      host: "db.example.com",
      port: 6_432,
      socketPath: "",
      user: "us@er",
      password: "p:/@%w",
      database: "na me",
      tls: "on",
      tlsCa: "",
    });
  });

  test.each([
    ["postgres://[::1]:99/d", { host: "::1", port: 99, tls: "off" }],
    ["postgres://localhost/d", { host: "localhost", port: 5_432, user: "postgres", tls: "off" }],
    ["postgres://u@10.0.0.1/d", { user: "u", password: "from elsewhere", tls: "verify" }],
    ["POSTGRES://127.9.9.9/d", { tls: "off" }],
    ["postgres://127.0.0.1/d?sslmode=verify-full", { tls: "verify" }],
    ["postgres://%2Fvar%2Frun/d", { host: "/var/run", socketPath: "/var/run/.s.5432", tls: "off" }],
  ])("such as %s is read", (url, expected) => {
    expect(addressOf({ url, password: "from elsewhere" })).toMatchObject(expected);
  });

  test.each([
    "postgres://u:se%zzcret@127.0.0.1/d",
    "postgres://u:secret@127.0.0.1/d%",
    "postgres://u:secret@/d",
    "postgres://u:secret@127.0.0.1/",
    "postgres://u:secret@127.0.0.1",
    "postgres://u:secret@127.0.0.1:0/d",
    "postgres://u:secret@127.0.0.1:65536/d",
    "mysql://u:secret@127.0.0.1/d",
    "postgres://u:secret@127.0.0.1/d?sslmode=perhaps",
    "postgres://u:secret@127.0.0.1/d?password=secret",
    "postgres://u:secret@127.0.0.1/d#x",
    "u:secret@127.0.0.1",
  ])("such as %s is refused, and its password kept", (url) => {
    const error = refusalOf({ url });
    expect(error).toMatchObject({ name: "ServerError", details: { reason: "url", exitCode: 78 } });
    expect(String(error) + JSON.stringify(error)).not.toContain("secret");
  });

  test("is shown without its password", () => {
    expect(maskPassword("postgres://u:p:/@x@h/d")).toBe("postgres://u:***@h/d");
    expect(maskPassword("postgres://u@h/d")).toBe("postgres://u@h/d");
  });
});

describe("parts", () => {
  test("do what a URL does", () => {
    const parts = { host: "db", port: 1, user: "u", password: "p", database: "d" };
    expect(addressOf(parts)).toEqual({ ...parts, socketPath: "", tls: "verify", tlsCa: "" });
    expect(addressOf({ database: "d" })).toMatchObject({ host: "127.0.0.1", user: "postgres" });
    expect(addressOf({ host: "/tmp", database: "d" })).toMatchObject({
      socketPath: "/tmp/.s.5432",
      tls: "off",
    });
  });

  test.each([{ host: "", database: "d" }, { database: "" }])("%p are refused", (parts) => {
    expect(refusalOf(parts)).toMatchObject({ details: { reason: "url", exitCode: 78 } });
  });
});

describe("security", () => {
  const url = "postgres://u@db.example.com/d";
  test.each([
    [{ ssl: "auto" }, "verify"],
    [{ ssl: "on" }, "on"],
    [{ ssl: "verify" }, "verify"],
    [{ ssl: "true" }, "verify"],
    [{ ssl: "true", sslVerify: "false" }, "on"],
    [{ ssl: "off", allowInsecure: true }, "off"],
  ] as const)("%p gives %s", (options, tls) => {
    expect(addressOf({ url, ...options }).tls).toBe(tls);
  });

  test.each([{ ssl: "off" }, { ssl: "false" }, { url: `${url}?sslmode=disable` }] as const)(
    "%p beyond the loopback is refused unless it is allowed",
    (options) => {
      const details = { reason: "insecure_db", exitCode: 78 };
      expect(refusalOf({ url, ...options })).toMatchObject({ details });
      expect(addressOf({ url, ...options, allowInsecure: true }).tls).toBe("off");
    },
  );

  test("authorities are read from their file, which must be there", () => {
    using folder = tempDir();
    const sslCa = join(folder.path, "ca.pem");
    expect(refusalOf({ url, sslCa })).toMatchObject({ details: { reason: "ssl_ca" } });
    writeFileSync(sslCa, "pem");
    expect(addressOf({ url, sslCa }).tlsCa).toBe("pem");
  });

  test("the loopback is this machine alone", () => {
    expect(["localhost", "127.0.0.1", "127.1.2.3", "::1"].every(isLoopback)).toBe(true);
    expect(["127.0.0.1.example.com", "10.0.0.1", "::2", "", "0.0.0.0"].some(isLoopback)).toBe(
      false,
    );
  });
});
