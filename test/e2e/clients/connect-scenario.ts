import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { Health } from "../../../src/gen/grpc/health/v1/health_pb.ts";
import {
  ActorService,
  type InvokeStreamRequest,
  InvokeStreamRequestSchema,
} from "../../../src/gen/troupe/v1/actor_pb.ts";
import { ErrorDetailSchema, Outcome } from "../../../src/gen/troupe/v1/invocation_pb.ts";
import type { ClientReport } from "./client-report.ts";

type ActorClient = ReturnType<typeof createClient<typeof ActorService>>;

const JSON_TYPE = "application/json";
const text = new TextDecoder();
const payload = (value: unknown) => ({
  type: JSON_TYPE,
  data: new TextEncoder().encode(JSON.stringify(value)),
});
const valueOf = (data: Uint8Array | undefined): unknown =>
  data === undefined || data.length === 0 ? undefined : JSON.parse(text.decode(data));

/** What one client of Connect's libraries sees of a server with the actors of the fixtures. */
export async function connectScenario(
  transport: Transport,
  key: string,
  { bidi }: { readonly bidi: boolean },
): Promise<ClientReport> {
  const actors = createClient(ActorService, transport);
  const health = createClient(Health, transport);
  const actor = { type: "counter", key };
  const add = async (n: number, requestId = "") => {
    const answer = await actors.invoke({ actor, action: "add", payload: payload(n), requestId });
    return { value: valueOf(answer.payload?.data), replayed: answer.replayed };
  };
  const first = await add(1, "once");
  const again = await add(1, "once");
  const watched = await watch(actors, key, () => add(2));
  const { status } = await health.check({ service: "" });
  const watchedHealth: number[] = [];
  const ended = new AbortController();
  try {
    for await (const one of health.watch({ service: "counter" }, { signal: ended.signal })) {
      watchedHealth.push(one.status);
      ended.abort();
    }
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Canceled) throw error;
  }
  const canceled = new AbortController();
  const slow = failure(
    actors.invoke({ actor, action: "slow", payload: payload(20_000) }, { signal: canceled.signal }),
  );
  await health.check({ service: "" });
  canceled.abort();
  const late = { actor, action: "slow", payload: payload(20_000) };
  return {
    values: [first.value, again.value],
    replayed: [first.replayed, again.replayed],
    watched,
    streamed: bidi ? await stream(actors, key) : undefined,
    health: status,
    watchedHealth,
    deadline: await failure(actors.invoke(late, { timeoutMs: 200 })),
    canceled: await slow,
    unknown: await failure(actors.invoke({ actor: { type: "nobody", key }, action: "add" })),
    invalid: await failure(actors.invoke({ actor, action: "add", payload: payload("x") })),
    state: valueOf((await actors.getState({ actor })).state?.data),
  };
}

async function watch(
  actors: ActorClient,
  key: string,
  change: () => Promise<unknown>,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  const ended = new AbortController();
  const states = actors.watch({ actor: { type: "counter", key } }, { signal: ended.signal });
  try {
    for await (const { state } of states) {
      seen.push(valueOf(state?.data));
      if (seen.length === 1) await change();
      else ended.abort();
    }
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Canceled) throw error;
  }
  return seen;
}

/** Ten calls in two batches; the second is sent when the first answer has come. */
async function stream(actors: ActorClient, key: string): Promise<unknown[]> {
  const actor = { type: "counter", key: `${key}-stream` };
  const batch = (from: number): InvokeStreamRequest =>
    create(InvokeStreamRequestSchema, {
      calls: Array.from({ length: 5 }, (_, i) => ({
        id: BigInt(from + i),
        request: { actor, action: "add", payload: payload(1) },
      })),
    });
  // Node 20 has no Promise.withResolvers.
  let onFirst: () => void = () => undefined;
  let onAll: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (onFirst = resolve));
  const all = new Promise<void>((resolve) => (onAll = resolve));
  async function* requests() {
    yield batch(1);
    await first;
    yield batch(6);
    await all;
  }
  const answers: unknown[] = [];
  for await (const { results } of actors.invokeStream(requests())) {
    for (const { result } of results) {
      answers.push(
        result.case === "response" ? valueOf(result.value.payload?.data) : result.value?.code,
      );
    }
    onFirst();
    if (answers.length === 10) onAll();
  }
  return answers;
}

async function failure(call: Promise<unknown>): Promise<readonly [string, string]> {
  try {
    await call;
    return ["ok", ""];
  } catch (error) {
    const { code } = ConnectError.from(error);
    const [detail] = ConnectError.from(error).findDetails(ErrorDetailSchema);
    return [Code[code] ?? "", detail === undefined ? "" : (Outcome[detail.outcome] ?? "")];
  }
}
