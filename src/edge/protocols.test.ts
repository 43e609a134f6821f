import { describe, expect, test } from "bun:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { startEdge } from "../../test/support/edge-server.ts";
import { rpcWays } from "../../test/support/rpc-ways.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ActorService } from "../gen/troupe/v1/actor_pb.ts";
import { ErrorDetailSchema, Outcome } from "../gen/troupe/v1/invocation_pb.ts";

const actor = { system: "", type: "counter", key: "öne/two" };
const json = (value: unknown) => ({
  type: "application/json",
  data: new TextEncoder().encode(JSON.stringify(value)),
});
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

for (const lean of [true, false]) {
  describe.each([...rpcWays])(`$name, ${lean ? "lean" : "complete"}`, ({ transport, bidi }) => {
    const start = async () => {
      const edge = await startEdge({ lean });
      return { edge, client: createClient(ActorService, transport(edge.url)) };
    };

    test("invokes, with everything that travels with a call", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const response = await client.invoke({
        actor,
        action: "echo",
        payload: json({ greeting: "grüße", list: [1, 2] }),
        metadata: { tone: "loud", Authorization: "secret", "x-internal-id": "1" },
        requestId: "r-1",
        timeout: { seconds: 5n, nanos: 0 },
      });
      expect(text(response.payload?.data)).toBe('{"greeting":"grüße","list":[1,2]}');
      expect(response.payload?.type).toBe("application/json");
      expect(response.metadata).toEqual({ tone: "loud" });
      const [invocation] = edge.actors.invocations;
      expect(invocation?.actor).toEqual({ system: "default", type: "counter", key: "öne/two" });
      expect(invocation).toMatchObject({
        action: "echo",
        requestId: "r-1",
        caller: { kind: "anonymous" },
        chain: [],
        hops: 0,
      });
      expect(edge.observed).toEqual(["Invoke ok"]);
    });

    test("tells a repeated answer from a first one", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const call = { actor, action: "add", payload: json(2), requestId: "same" };
      const first = await client.invoke(call);
      const second = await client.invoke(call);
      expect([first.revision, first.replayed, text(first.payload?.data)]).toEqual([1n, false, "2"]);
      expect([second.revision, second.replayed, text(second.payload?.data)]).toEqual([
        1n,
        true,
        "2",
      ]);
    });

    test("reads the state, and none", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const none = await client.getState({ actor });
      expect([none.state, none.revision]).toEqual([undefined, 0n]);
      await client.spawn({ actor, tags: { colour: "red" } });
      await client.invoke({ actor, action: "add", payload: json(4) });
      const some = await client.getState({ actor });
      expect(text(some.state?.data)).toBe("4");
      expect([some.revision, some.tags]).toEqual([1n, { colour: "red" }]);
    });

    test("carries an error with its details", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const busy = await failure(client.invoke({ actor, action: "busy" }));
      expect([busy.code, busy.rawMessage]).toEqual([Code.ResourceExhausted, "the mailbox is full"]);
      const [detail] = busy.findDetails(ErrorDetailSchema);
      expect(detail).toMatchObject({
        code: "mailbox.full",
        reason: "MAILBOX_FULL",
        outcome: Outcome.NOT_STARTED,
        retryAfter: { seconds: 1n, nanos: 500_000_000 },
      });
      expect(busy.findDetails(ErrorInfoSchema)[0]).toMatchObject({
        reason: "MAILBOX_FULL",
        domain: "troupe",
      });
      expect(busy.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    });

    test.each([
      ["failed_precondition", Code.FailedPrecondition],
      ["insufficient_funds", Code.Unknown],
      ["toString", Code.Unknown],
    ])("user code that fails with %s", async (hostCode, code) => {
      const { edge, client } = await start();
      await using _ = edge;
      const error = await failure(
        client.invoke({ actor, action: "fail", payload: json(hostCode) }),
      );
      expect(error.code).toBe(code);
      expect(error.findDetails(ErrorDetailSchema)[0]?.hostCode).toBe(hostCode);
    });

    test("user code that fails with a text that is none, or has no end", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const say = (text: string) =>
        failure(client.invoke({ actor, action: "say", payload: json(text) }));
      const lone = await say("a \ud800 b");
      expect([lone.code, lone.rawMessage]).toEqual([Code.Unknown, "a \ufffd b"]);
      expect((await say("x".repeat(9_000))).rawMessage).toHaveLength(4_096);
      expect(edge.log).not.toContain("call.failed");
    });

    test("hides what a bug says", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const bug = await failure(client.invoke({ actor, action: "bug" }));
      expect([bug.code, bug.rawMessage]).toEqual([Code.Internal, "an internal error occurred"]);
    });

    test("says which revision is in force", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      await client.invoke({ actor, action: "add" });
      const stale = await failure(client.invoke({ actor, action: "add", expectedRevision: 0n }));
      expect(stale.code).toBe(Code.Aborted);
      expect(stale.findDetails(ErrorDetailSchema)[0]?.currentRevision).toBe(1n);
    });

    test.each([
      [{ system: "", type: "", key: "k" }, "ID_EMPTY"],
      [{ system: "", type: "a".repeat(64), key: "k" }, "ID_TOO_LONG"],
      [{ system: "a/b", type: "t", key: "k" }, "ID_CHARSET"],
      [{ system: "", type: "t", key: "" }, "ID_EMPTY"],
      [{ system: "", type: "t", key: "a\u200bb" }, "ID_CHARSET"],
      [{ system: "", type: "t", key: "ä".repeat(128) }, "ID_TOO_LONG"],
    ])("refuses the id %j", async (id, reason) => {
      const { edge, client } = await start();
      await using _ = edge;
      const calls = [
        () => client.invoke({ actor: id, action: "add" }),
        () => client.getState({ actor: id }),
      ];
      for (const call of calls) {
        const error = await failure(call());
        expect(error.code).toBe(Code.InvalidArgument);
        expect(error.findDetails(ErrorDetailSchema)[0]?.reason).toBe(reason);
      }
      expect(edge.actors.invocations).toEqual([]);
    });

    test("keeps the deadline of the caller", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const before = performance.now();
      await client.invoke({ actor, action: "add" }, { timeoutMs: 20_000 });
      await client.invoke({ actor, action: "add", timeout: { seconds: 2n, nanos: 0 } });
      await client.invoke({ actor, action: "add" }, { timeoutMs: 9_000_000 });
      const [header, message, long] = edge.actors.invocations.map(
        ({ deadlineMs }) => deadlineMs - before,
      );
      expect(header).toBeWithin(10_000, 20_500);
      expect(message).toBeWithin(1_000, 10_000);
      expect(long).toBeWithin(50_000, 70_000);
    });

    test("takes a call back when the caller goes", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const abort = new AbortController();
      const call = failure(client.invoke({ actor, action: "never" }, { signal: abort.signal }));
      await waitUntil("the call arrives", () => edge.actors.invocations.length === 1);
      abort.abort();
      expect((await call).code).toBe(Code.Canceled);
      await waitUntil("the call is taken back", () => edge.actors.taken === 1);
    });

    test("says that a reply beyond the limit was committed all the same", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const error = await failure(
        client.invoke({ actor, action: "large", payload: json(4_194_305) }),
      );
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.findDetails(ErrorDetailSchema)[0]).toMatchObject({
        reason: "RESPONSE_TOO_LARGE",
        committed: true,
      });
    });

    test("serves the rarer methods", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      for (const key of ["a", "b", "c"]) await client.spawn({ actor: { ...actor, key } });
      const page = await client.list({ type: "counter", pageSize: 2 });
      expect(page.actors.map((one) => one.actor?.key)).toEqual(["a", "b"]);
      const rest = await client.list({
        type: "counter",
        pageSize: 2,
        pageToken: page.nextPageToken,
      });
      expect(rest.actors.map((one) => one.actor?.key)).toEqual(["c"]);
      const forged = await failure(client.list({ type: "other", pageToken: page.nextPageToken }));
      expect(forged.findDetails(ErrorDetailSchema)[0]?.reason).toBe("BAD_PAGE_TOKEN");
      for (let count = 0; count < 3; count += 1) await client.invoke({ actor, action: "add" });
      const past = await client.history({ actor, pageSize: 2, withStates: true });
      expect(past.revisions.map(({ revision, state }) => [revision, text(state?.data)])).toEqual([
        [3n, "3"],
        [2n, "2"],
      ]);
      const older = await client.history({ actor, pageSize: 2, pageToken: past.nextPageToken });
      expect(older.revisions.map(({ revision, state }) => [revision, state])).toEqual([
        [1n, undefined],
      ]);
      expect((await client.restore({ actor, revision: 1n })).revision).toBe(4n);
      expect((await client.delete({ actor })).revision).toBe(5n);
      expect((await client.delete({ actor, shred: true })).revision).toBe(6n);
      const operations = edge.actors.invocations.flatMap(({ operation }) => operation ?? []);
      expect(operations.slice(-2)).toEqual([
        { kind: "delete", shred: false },
        { kind: "delete", shred: true },
      ]);
      expect((await client.deactivate({ actor })).wasActive).toBe(true);
      const send = await failure(client.send({ invocation: { actor, action: "add" } }));
      expect([send.code, send.findDetails(ErrorDetailSchema)[0]?.reason]).toEqual([
        Code.Unimplemented,
        "OUTBOX_MISSING",
      ]);
    });

    test("watches states until its reader has seen enough", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const seen: string[] = [];
      const path = { system: "default", type: "counter", key: actor.key };
      const abort = new AbortController();
      const watch = async () => {
        for await (const { state, revision } of client.watch({ actor }, { signal: abort.signal })) {
          seen.push(`${revision} ${text(state?.data)}`);
          if (seen.length === 3) abort.abort();
          else await client.invoke({ actor, action: "add" });
        }
      };
      expect((await failure(watch())).code).toBe(Code.Canceled);
      expect(seen).toEqual(["0 ", "1 1", "2 2"]);
      await waitUntil("the watch is ended", () => edge.actors.watchers(path) === 0);
    });

    test("answers the standard health service", async () => {
      await using edge = await startEdge({
        lean,
        typeHealth: (type) => (type === "counter" ? true : undefined),
      });
      const health = createClient(Health, transport(edge.url));
      expect((await health.check({})).status).toBe(1);
      expect((await health.check({ service: "counter" })).status).toBe(1);
      expect((await failure(health.check({ service: "nobody" }))).code).toBe(Code.NotFound);
      for await (const { status } of health.watch({})) {
        expect(status).toBe(1);
        break;
      }
    });

    test.skipIf(!bidi)("calls in a stream, answered in any order", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      async function* calls() {
        const request = { actor, action: "add", payload: json(1) };
        yield {
          calls: [
            { id: 1n, request },
            { id: 2n, request: { actor, action: "bug" } },
          ],
        };
        yield {
          calls: Array.from({ length: 2_000 }, (_, at) => ({ id: BigInt(at + 10), request })),
        };
        yield { calls: [{ id: 5n, request: { actor, action: "never" } }] };
        yield { cancel: [5n] };
      }
      const results = new Map<bigint, string>();
      for await (const frame of client.invokeStream(calls())) {
        for (const { id, result } of frame.results) {
          results.set(
            id,
            result.case === "error" ? result.value.code : text(result.value?.payload?.data),
          );
        }
      }
      expect(results.size).toBe(2_003);
      expect([results.get(1n), results.get(2n), results.get(5n)]).toEqual([
        "1",
        "internal",
        "canceled",
      ]);
      expect(results.get(2_009n)).toBe("2001");
    });

    test.skipIf(!bidi)("takes the calls of a lost stream back", async () => {
      const { edge, client } = await start();
      await using _ = edge;
      const abort = new AbortController();
      async function* calls() {
        yield { calls: [{ id: 1n, request: { actor, action: "never" } }] };
        await new Promise(() => undefined);
      }
      const stream = (async () => {
        for await (const _frame of client.invokeStream(calls(), { signal: abort.signal }));
      })();
      await waitUntil("the call arrives", () => edge.actors.invocations.length === 1);
      abort.abort();
      await failure(stream);
      await waitUntil("the call is taken back", () => edge.actors.taken === 1);
    });
  });
}
