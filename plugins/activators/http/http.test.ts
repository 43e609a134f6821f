import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { Activator, ErrorCode } from "../../../src/contract/index.ts";
import { activatorSuite } from "../../../test/conformance/activator.suite.ts";
import { activatorHost, COMMITTED } from "../../../test/conformance/support/activator-host.ts";
import type { HttpConfig } from "./http-activator.ts";
import plugin from "./plugin.ts";

const SECRET = "it is a secret to everybody";
const SIGNAL = new AbortController().signal;
const encode = (text: string) => new TextEncoder().encode(text);

function config(overrides: Partial<HttpConfig> = {}): HttpConfig {
  return {
    path: "orders",
    secret: SECRET,
    previousSecret: "",
    allowUnsigned: false,
    signatureHeader: "X-Hub-Signature-256",
    signaturePrefix: "sha256=",
    signatureEncoding: "hex",
    actor: "order/{json:$.orderId}",
    system: "default",
    action: "placed",
    id: "",
    payload: "{body}",
    timeout: 5_000,
    concurrency: 100,
    ...overrides,
  };
}

/** A request whose body is signed with `secret`. */
function signed(text: string, headers: Readonly<Record<string, string>> = {}, secret = SECRET) {
  const signature = createHmac("sha256", secret).update(text).digest("hex");
  return {
    headers: { "x-hub-signature-256": `sha256=${signature}`, ...headers },
    body: encode(text),
  };
}

async function started(overrides: Partial<HttpConfig> = {}) {
  const host = activatorHost({ instance: "shop-hook" });
  const activator: Activator = plugin.create(config(overrides), host);
  await activator.start?.(SIGNAL);
  return { host, activator };
}

activatorSuite({
  name: plugin.name,
  create: (host) => plugin.create(config(), host),
  trigger: (host) => host.post("orders", signed('{"orderId":"1"}')),
  acknowledges: true,
});

describe("signatures", () => {
  test("the published example of the sender's documentation is accepted", async () => {
    const secret = "It's a Secret to Everybody";
    const { host } = await started({ secret, actor: "hook/1", payload: "{body:string}" });
    const expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const response = await host.post("orders", {
      headers: { "x-hub-signature-256": expected },
      body: encode("Hello, World!"),
    });
    expect(response.status).toBe(202);
    expect(host.calls[0]?.call.payload.data).toEqual(encode('"Hello, World!"'));
  });

  test("a missing, wrong, cut or prolonged signature is answered with 401 and calls nobody", async () => {
    const { host } = await started();
    const body = '{"orderId":"1"}';
    const good = signed(body).headers["x-hub-signature-256"] ?? "";
    const tries = [
      "",
      "sha256=",
      good.slice(0, -2),
      `${good}00`,
      `${good}zz`,
      good.slice(7),
      `sha1${good.slice(6)}`,
    ];
    for (const signature of tries) {
      const headers = { "x-hub-signature-256": signature };
      expect((await host.post("orders", { headers, body: encode(body) })).status).toBe(401);
    }
    expect((await host.post("orders", { body: encode(body) })).status).toBe(401);
    expect((await host.post("orders", signed(body, {}, "other"))).status).toBe(401);
    const changed = { ...signed(body), body: encode('{"orderId":"2"}') };
    expect((await host.post("orders", changed)).status).toBe(401);
    expect(host.calls.length).toBe(0);
  });

  test("both secrets are accepted while they change, and base64 where it is configured", async () => {
    const { host } = await started({
      previousSecret: "old",
      signatureEncoding: "base64",
      signaturePrefix: "",
      signatureHeader: "x-sign",
    });
    for (const secret of [SECRET, "old"]) {
      const signature = createHmac("sha256", secret).update('{"orderId":"1"}').digest("base64");
      const request = { headers: { "x-sign": signature }, body: encode('{"orderId":"1"}') };
      expect((await host.post("orders", request)).status).toBe(202);
    }
  });

  test("without a secret the configuration is refused, unless that is allowed", async () => {
    expect(() => plugin.create(config({ secret: "" }), activatorHost())).toThrow("secret is empty");
    const { host } = await started({ secret: "", allowUnsigned: true });
    expect((await host.post("orders", { body: encode('{"orderId":1}') })).status).toBe(202);
  });
});

describe("mapping", () => {
  test("templates give actor, action, id and payload", async () => {
    const { host } = await started({
      actor: "shop/{query:type}/{header:x-order}",
      action: "{json:$.event}",
      id: "{header:x-delivery}",
      payload: '{"total": {json:$.total}}',
    });
    const request = signed('{"event":"paid","total":{"eur":5}}', {
      "x-order": "9",
      "x-delivery": "d-1",
    });
    const response = await host.post("orders", { ...request, query: "type=order" });
    expect([response.status, JSON.parse(response.body)]).toEqual([
      202,
      { revision: 7, replayed: false },
    ]);
    expect(host.calls[0]?.call).toEqual({
      actor: { system: "shop", type: "order", key: "9" },
      action: "paid",
      payload: { type: "application/json", data: encode('{"total": {"eur":5}}') },
      requestId: "d-1",
      metadata: { activator: "shop-hook" },
      timeoutMs: 5_000,
    });
  });

  test.each([
    ["{}", {}, "actor"],
    ["not json", {}, "actor"],
    ['{"orderId":12345678901234567890}', { "x-delivery": "d" }, "actor"],
    ['{"orderId":"1"}', {}, "id"],
    ['{"orderId":"1"}', { "x-delivery": "d".repeat(129) }, "id"],
    ['{"orderId":"1"}', { "x-delivery": "d", "ce-specversion": "1.0" }, "CloudEvent"],
  ])("%s with %j is answered with 400 and calls nobody", async (body, headers, part) => {
    const { host } = await started({ id: "{header:x-delivery}" });
    const response = await host.post("orders", signed(body, headers));
    expect(response.status).toBe(400);
    expect(response.body).toContain(part);
    expect(host.calls.length).toBe(0);
  });

  test("a body that is no JSON is no payload, and an empty one is none at all", async () => {
    const { host } = await started({ actor: "order/1" });
    expect((await host.post("orders", signed("text"))).status).toBe(400);
    expect((await host.post("orders", signed(""))).status).toBe(202);
    expect(host.calls[0]?.call.payload).toEqual({ type: "", data: new Uint8Array(0) });
  });

  test("CloudEvents of both modes make the same call", async () => {
    const { host } = await started({ action: "{ce:type}" });
    const attributes = {
      specversion: "1.0",
      id: "7",
      source: "/shop",
      type: "placed",
      subject: "s",
    };
    const inHeaders = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]),
    );
    await host.post("orders", signed('{"orderId":"1"}', inHeaders));
    const whole = JSON.stringify({ ...attributes, data: { orderId: "1" } });
    await host.post("orders", signed(whole, { "content-type": "application/cloudevents+json" }));
    expect(host.calls.length).toBe(2);
    expect(host.calls[1]?.call).toEqual(host.calls[0]?.call as never);
    expect(host.calls[0]?.call).toMatchObject({
      action: "placed",
      requestId: "/shop#7",
      metadata: { "ce-type": "placed", "ce-source": "/shop", "ce-subject": "s" },
    });
  });
});

describe("answers", () => {
  test.each([
    ["state.unavailable", 503],
    ["mailbox.full", 503],
    ["node.draining", 503],
    ["call.deadline", 503],
    ["request.invalid", 400],
    ["request.id_conflict", 409],
    ["request.too_large", 413],
    ["access.denied", 403],
    ["actor.unknown", 404],
    ["host.failed", 500],
  ] satisfies [ErrorCode, number][])("%s becomes %d", async (code, status) => {
    const { host } = await started();
    host.answer = () => {
      throw host.error(code, "no luck", "not_applied", { retryAfterMs: 2_500 });
    };
    const response = await host.post("orders", signed('{"orderId":"1"}'));
    expect(response.status).toBe(status);
    expect(response.headers["retry-after"]).toBe(status === 503 ? "3" : undefined);
    expect(JSON.parse(response.body)).toMatchObject({ code, outcome: "not_applied" });
  });

  test("an error that is not the server's tells nothing of itself", async () => {
    const { host } = await started();
    host.answer = () => {
      throw new Error("password=hunter2");
    };
    const response = await host.post("orders", signed('{"orderId":"1"}'));
    expect(response.status).toBe(500);
    expect(response.body).not.toContain("hunter2");
  });

  test("another method is refused, and a request beyond the bound is asked to come later", async () => {
    const { host } = await started({ concurrency: 1 });
    expect((await host.post("orders", { ...signed("{}"), method: "GET" })).status).toBe(405);
    let answer: (() => void) | undefined;
    host.answer = () => new Promise((resolve) => (answer = () => resolve(COMMITTED)));
    const first = host.post("orders", signed('{"orderId":"1"}'));
    const second = await host.post("orders", signed('{"orderId":"2"}'));
    expect([second.status, second.headers["retry-after"]]).toEqual([503, "1"]);
    answer?.();
    expect((await first).status).toBe(202);
  });

  test("the path is that of the instance unless told, and is free again after the stop", async () => {
    const { host, activator } = await started({ path: "" });
    expect([...host.webhooks.keys()]).toEqual(["shop-hook"]);
    await activator.stop?.(SIGNAL);
    expect(host.webhooks.size).toBe(0);
  });
});
