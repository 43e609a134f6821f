import { connect } from "node:net";
import { describe, expect, test } from "bun:test";
import { startEdge } from "../../test/support/edge-server.ts";
import { framed, grpcStatus, INVOKE, invokeBytes, post } from "../../test/support/rpc-bytes.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";

const proto = "application/proto";
const json = "application/json";

describe("authentication comes first", () => {
  test("RPC-131: no credentials, and no body needed to say so", async () => {
    await using edge = await startEdge({ authenticate: () => undefined });
    // The body never comes, and the answer is there all the same.
    const socket = connect(edge.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.write(
      `POST ${INVOKE} HTTP/1.1\r\nhost: x\r\ncontent-type: ${proto}\r\ncontent-length: 1000\r\n\r\n`,
    );
    await waitUntil("the refusal", () => answer.includes("unauthenticated"));
    expect(answer).toStartWith("HTTP/1.1 401");
    socket.destroy();
    expect(await grpcStatus(edge.url, framed(invokeBytes()))).toBe(16);
    expect((await post(edge.url, "/v1/counter/k/add", json, "1")).status).toBe(401);
    expect((await post(edge.url, "/nowhere", json, "1")).status).toBe(401);
    expect(edge.actors.invocations).toEqual([]);
  });

  test("RPC-135: a token that is too large is not looked at", async () => {
    let asked = 0;
    await using edge = await startEdge({ authenticate: () => void (asked += 1) });
    const authorization = `Bearer ${"x".repeat(9_000)}`;
    const answer = await post(edge.url, INVOKE, proto, invokeBytes(), { authorization });
    expect([answer.status, answer.reason, asked]).toEqual([401, "TOKEN_TOO_LARGE", 0]);
  });

  test.each([true, 1, "admin", {}, { kind: "king", id: "x", roles: [] }])(
    "PLUG-055: an authenticator that returns %j lets nobody in",
    async (found) => {
      await using edge = await startEdge({ authenticate: () => found as never });
      expect((await post(edge.url, INVOKE, proto, invokeBytes())).status).toBe(401);
      await using later = await startEdge({ authenticate: () => Promise.resolve(found as never) });
      expect((await post(later.url, INVOKE, proto, invokeBytes())).status).toBe(401);
    },
  );

  test("PLUG-057: an authenticator that hangs or throws makes 503", async () => {
    const hang = () => new Promise<never>(() => undefined);
    await using edge = await startEdge({ authenticate: hang, edgeLimits: { authenticateMs: 50 } });
    const answer = await post(edge.url, INVOKE, proto, invokeBytes());
    expect([answer.status, answer.code]).toEqual([503, "unavailable"]);
    const broken = () => {
      throw new Error("a secret");
    };
    await using second = await startEdge({ authenticate: broken });
    const refusal = await post(second.url, INVOKE, proto, invokeBytes());
    expect([refusal.status, refusal.body.includes("secret")]).toEqual([503, false]);
  });
});

test("RPC-145: what is above the bound is refused at once, with a time to come back", async () => {
  await using edge = await startEdge({ limits: { ...DEFAULT_LIMITS, inFlightCalls: 1 } });
  const abort = new AbortController();
  const first = fetch(`${edge.url}/v1/counter/k/never`, { method: "POST", signal: abort.signal });
  await waitUntil("the first call runs", () => edge.actors.invocations.length === 1);
  const answer = await post(edge.url, "/v1/counter/k/add", undefined, "");
  expect([answer.status, answer.code, answer.reason]).toEqual([
    429,
    "resource_exhausted",
    "CALLS_IN_FLIGHT",
  ]);
  expect(answer.headers.get("retry-after")).toBe("1");
  abort.abort();
  await first.catch(() => undefined);
});
