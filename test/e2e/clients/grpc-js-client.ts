import { readFileSync } from "node:fs";
import {
  type CallOptions,
  type Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ClientReport } from "./client-report.ts";

// node grpc-js-client.mjs <folder of .proto files> <host:port> <key> [<ca> [<cert> <key file>]]
const [protos = "", address = "", key = "", ca, cert, certKey] = process.argv.slice(2);

interface Message {
  readonly [field: string]: unknown;
}
type Answers = AsyncIterable<Message> & { cancel(): void; write(m: Message): void; end(): void };
type Unary = (
  request: Message,
  options: CallOptions,
  done: (error: ServiceError | null, answer?: Message) => void,
) => { cancel(): void };
type Streaming = (request?: Message) => Answers;

const definition = loadSync(["troupe/v1/actor.proto", "grpc/health/v1/health.proto"], {
  includeDirs: [protos],
  keepCase: false,
  longs: Number,
  enums: Number,
  defaults: true,
});
const packages = loadPackageDefinition(definition);
const channel =
  ca === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(
        readFileSync(ca),
        certKey === undefined ? null : readFileSync(certKey),
        cert === undefined ? null : readFileSync(cert),
      );

function service(path: string): Client & Readonly<Record<string, Unary & Streaming>> {
  let found: unknown = packages;
  for (const name of path.split(".")) found = (found as Record<string, unknown>)[name];
  return new (found as ServiceClientConstructor)(address, channel) as never;
}

const actors = service("troupe.v1.ActorService");
const health = service("grpc.health.v1.Health");

function unary(
  client: typeof actors,
  method: string,
  request: Message,
  options: { readonly timeoutMs?: number; readonly cancelAfter?: () => Promise<unknown> } = {},
): Promise<Message> {
  const { timeoutMs, cancelAfter } = options;
  return new Promise((resolve, reject) => {
    const settings = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    const call = client[method]?.(request, settings, (error, answer) => {
      if (error === null) resolve(answer ?? {});
      else reject(error);
    });
    void cancelAfter?.().then(() => call?.cancel());
  });
}

const data = (value: unknown): Message => ({
  type: "application/json",
  data: Buffer.from(JSON.stringify(value)),
});
function valueOf(payload: unknown): unknown {
  const bytes = (payload as { data?: Buffer } | null)?.data;
  return bytes === undefined || bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
}

const actor = { type: "counter", key };
const add = (n: number, requestId = ""): Promise<Message> =>
  unary(actors, "invoke", { actor, action: "add", payload: data(n), requestId });

async function watch(): Promise<unknown[]> {
  const seen: unknown[] = [];
  const states = actors["watch"]?.({ actor }) as Answers;
  try {
    for await (const { state } of states) {
      seen.push(valueOf(state));
      if (seen.length === 1) await add(2);
      else states.cancel();
    }
  } catch (error) {
    if ((error as ServiceError).code !== status.CANCELLED) throw error;
  }
  return seen;
}

async function watchHealth(): Promise<number[]> {
  const seen: number[] = [];
  const states = health["watch"]?.({ service: "counter" }) as Answers;
  try {
    for await (const one of states) {
      seen.push(Number(one["status"]));
      states.cancel();
    }
  } catch (error) {
    if ((error as ServiceError).code !== status.CANCELLED) throw error;
  }
  return seen;
}

async function stream(): Promise<unknown[]> {
  const answers: unknown[] = [];
  const call = actors["invokeStream"]?.() as Answers;
  const to = { type: "counter", key: `${key}-stream` };
  const send = (from: number): void =>
    call.write({
      calls: Array.from({ length: 5 }, (_, i) => ({
        id: from + i,
        request: { actor: to, action: "add", payload: data(1) },
      })),
    });
  send(1);
  for await (const { results } of call) {
    const before = answers.length;
    for (const { response } of results as { response?: { payload: unknown } }[]) {
      answers.push(valueOf(response?.payload));
    }
    if (before === 0) send(6);
    if (answers.length === 10) call.end();
  }
  return answers;
}

/** Names as Connect's libraries spell them, so that all reports are alike. */
const CODES: Readonly<Record<number, string>> = {
  [status.DEADLINE_EXCEEDED]: "DeadlineExceeded",
  [status.CANCELLED]: "Canceled",
  [status.NOT_FOUND]: "NotFound",
  [status.INVALID_ARGUMENT]: "InvalidArgument",
};

/** The outcome of the first troupe.v1.ErrorDetail among the details: its field after the code. */
function outcomeOf(details: unknown): string {
  const bytes = Buffer.isBuffer(details) ? details : Buffer.alloc(0);
  const name = "troupe.v1.ErrorDetail";
  const at = bytes.indexOf(name);
  if (at < 0) return "";
  const code = bytes.indexOf(0x0a, at + name.length);
  const outcome = code + 2 + (bytes[code + 1] ?? 0);
  return ["", "NOT_STARTED", "NOT_APPLIED", "UNKNOWN"][bytes[outcome + 1] ?? 0] ?? "";
}

async function failure(call: Promise<unknown>): Promise<readonly [string, string]> {
  try {
    await call;
    return ["ok", ""];
  } catch (error) {
    const { code, metadata } = error as ServiceError;
    return [CODES[code] ?? String(code), outcomeOf(metadata.get("grpc-status-details-bin")[0])];
  }
}

const first = await add(1, "once");
const again = await add(1, "once");
const watched = await watch();
const checkHealth = (): Promise<Message> => unary(health, "check", { service: "" });
const slow = { actor, action: "slow", payload: data(20_000) };
const report: ClientReport = {
  values: [valueOf(first["payload"]), valueOf(again["payload"])],
  replayed: [first["replayed"] === true, again["replayed"] === true],
  watched,
  streamed: await stream(),
  health: Number((await checkHealth())["status"]),
  watchedHealth: await watchHealth(),
  deadline: await failure(unary(actors, "invoke", slow, { timeoutMs: 200 })),
  // A call that is taken back in the tick in which it began is sent, and its end is not.
  canceled: await failure(unary(actors, "invoke", slow, { cancelAfter: checkHealth })),
  unknown: await failure(
    unary(actors, "invoke", { actor: { type: "nobody", key }, action: "add" }),
  ),
  invalid: await failure(unary(actors, "invoke", { actor, action: "add", payload: data("x") })),
  state: valueOf((await unary(actors, "getState", { actor }))["state"]),
};
actors.close();
health.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
