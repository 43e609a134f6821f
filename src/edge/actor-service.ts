import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ActorSummary } from "../contract/index.ts";
import { toServerError } from "../domain/error.ts";
import { NEVER } from "../domain/invocation.ts";
import type {
  ActorService,
  DeleteRequest,
  HistoryRequest,
  ListRequest,
  RestoreRequest,
  SpawnRequest,
} from "../gen/troupe/v1/actor_pb.ts";
import {
  ActorInfoSchema,
  DeactivateResponseSchema,
  DeleteResponseSchema,
  HistoryResponseSchema,
  ListResponseSchema,
  RestoreResponseSchema,
  RevisionInfoSchema,
  SpawnResponseSchema,
} from "../gen/troupe/v1/actor_pb.ts";
import type { ActorApi, HistoryQuery, ListQuery, PastState } from "../node/node-api.ts";
import type { EdgeLimits } from "./api-options.ts";
import type { Calls } from "./calls.ts";
import { CHANNEL } from "./connect-adapter.ts";
import { connectCodeOf, reasonOf } from "./error-map.ts";
import { checkName, checkRequestId, DEFAULT_SYSTEM } from "./gates/ids.ts";
import { checkedMetadata } from "./gates/metadata.ts";
import type { PageTokens } from "./gates/page-token.ts";
import { refuse, unsupported } from "./gates/refusal.ts";
import { BLANK_CALL, checkedRevision, type CallChannel, type CallRules } from "./invoke-call.ts";
import {
  actorOf,
  callOfMessage,
  callOfStateMessage,
  payloadMessage,
  replyMessage,
  stateMessage,
} from "./invoke-message.ts";
import type { LoggedInstruments } from "./logged-instruments.ts";
import { invokeStream } from "./message-stream.ts";
import { watchStates } from "./watch-states.ts";

/** What the methods of the service work on. */
export interface ActorServiceParts {
  readonly api: ActorApi;
  readonly calls: Calls;
  readonly rules: CallRules;
  readonly edgeLimits: EdgeLimits;
  readonly instruments: LoggedInstruments;
  readonly pageTokens: PageTokens;
}

const LARGEST_PAGE = 1_000;

/** `troupe.v1.ActorService`, complete. Methods fail with `ServerError`. */
export function makeActorService(parts: ActorServiceParts): ServiceImpl<typeof ActorService> {
  const { api, calls, instruments } = parts;
  const { clock } = parts.rules;

  /** A method that is no invocation, and so is measured here. */
  const method =
    <Input, Output>(
      name: string,
      run: (input: Input, channel: CallChannel) => Promise<Output>,
    ): ((input: Input, context: HandlerContext) => Promise<Output>) =>
    async (input, context) => {
      const startedMs = clock.now();
      let code = "ok";
      try {
        return await run(input, context.values.get(CHANNEL));
      } catch (error) {
        const failure = toServerError(error);
        code = connectCodeOf(failure);
        if (failure.outcome === "not_started") instruments.rejected(name, reasonOf(failure));
        instruments.failed(name, failure);
        throw failure;
      } finally {
        instruments.observe(name, code, clock.now() - startedMs);
      }
    };
  const missing = (name: string, what: string, reason: string) =>
    method(name, async (_input: object): Promise<never> => {
      throw unsupported(`this server has no ${what}`, reason);
    });

  return {
    invoke: async (message, { values, signal }) => {
      const call = callOfMessage(message);
      return replyMessage(await calls.invoke("Invoke", call, values.get(CHANNEL), signal));
    },
    getState: async (message, { values, signal }) => {
      const call = callOfStateMessage(message);
      return stateMessage(await calls.invoke("GetState", call, values.get(CHANNEL), signal));
    },
    invokeStream: (frames, { values, signal }) => {
      const { streamCalls } = parts.edgeLimits;
      const bounds = { streamCalls, frameBytes: parts.rules.limits.messageBytes / 2 };
      return invokeStream(frames, calls, values.get(CHANNEL), bounds, signal);
    },
    watch: (message, { values, signal }) =>
      watchStates(api, message, values.get(CHANNEL).caller, signal),
    spawn: method("Spawn", (message, channel) => spawn(parts, message, channel)),
    list: method("List", (message, channel) => list(parts, message, channel)),
    history: method("History", (message, channel) => history(parts, message, channel)),
    restore: method("Restore", (message, channel) => restore(parts, message, channel)),
    delete: (message, { values }) => remove(parts, message, values.get(CHANNEL)),
    deactivate: method("Deactivate", async (message, { caller }) => {
      const wasActive = await api.deactivate(caller, actorOf(message.actor));
      return create(DeactivateResponseSchema, { wasActive });
    }),
    send: missing("Send", "outbox", "OUTBOX_MISSING"),
    schedule: missing("Schedule", "schedules", "SCHEDULES_MISSING"),
    cancelSchedule: missing("CancelSchedule", "schedules", "SCHEDULES_MISSING"),
    listSchedules: missing("ListSchedules", "schedules", "SCHEDULES_MISSING"),
    publish: missing("Publish", "broadcast", "BROADCAST_MISSING"),
    // biome-ignore lint/correctness/useYield: the stream ends before its first message
    async *subscribe() {
      throw unsupported("this server has no broadcast", "BROADCAST_MISSING");
    },
  };
}

async function spawn(
  { api, rules }: ActorServiceParts,
  message: SpawnRequest,
  { caller }: CallChannel,
) {
  const actor = actorOf(message.actor);
  const tags = checkedMetadata(message.tags, rules.limits);
  if (message.revision !== undefined) {
    throw unsupported("this server records keys without a revision alone", "SPAWN_REVISION");
  }
  return create(SpawnResponseSchema, { created: await api.spawn(caller, actor, tags) });
}

async function list(parts: ActorServiceParts, message: ListRequest, { caller }: CallChannel) {
  const { api, pageTokens, rules } = parts;
  const system = message.system === "" ? DEFAULT_SYSTEM : message.system;
  const { type, keyPrefix, pageToken } = message;
  checkName(system);
  if (type !== "") checkName(type);
  const tags = checkedMetadata(message.tags, rules.limits);
  const scope = ["list", caller.id, system, type, keyPrefix, Object.entries(tags).sort()];
  const limit = pageSize(parts, message.pageSize);
  const place = await pageTokens.place(scope, pageToken);
  const after = place && { type: String(place[0]), key: String(place[1]) };
  const query: ListQuery = {
    system,
    limit,
    ...(type !== "" && { type }),
    ...(keyPrefix !== "" && { keyPrefix }),
    ...(Object.keys(tags).length > 0 && { tags }),
    ...(after !== undefined && { after }),
  };
  const { rows, next } = await api.list(caller, query);
  return create(ListResponseSchema, {
    actors: rows.map(actorInfo),
    nextPageToken: next === undefined ? "" : await pageTokens.make(scope, [next.type, next.key]),
  });
}

function actorInfo({ actor, revision, epoch, tags, hasState, updatedMs }: ActorSummary) {
  return create(ActorInfoSchema, {
    actor,
    revision: BigInt(revision),
    epoch: BigInt(epoch),
    tags: { ...tags },
    hasState,
    updated: timestampFromMs(updatedMs),
  });
}

async function history(parts: ActorServiceParts, message: HistoryRequest, { caller }: CallChannel) {
  const { api, pageTokens } = parts;
  const actor = actorOf(message.actor);
  const fromRevision = checkedRevision(message.fromRevision);
  const given = checkedRevision(message.toRevision);
  const fromMs = timeOf(message.from);
  const toMs = timeOf(message.to);
  const scope = [
    "history",
    caller.id,
    actor.system,
    actor.type,
    actor.key,
    fromRevision,
    given,
    fromMs,
    toMs,
  ];
  const place = await pageTokens.place(scope, message.pageToken);
  const toRevision = place === undefined ? given : Number(place[0]);
  const limit = pageSize(parts, message.pageSize);
  const query: HistoryQuery = {
    limit,
    withStates: message.withStates,
    ...(fromRevision > 0 && { fromRevision }),
    ...(toRevision > 0 && { toRevision }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
  };
  const { revisions, next } = await api.history(caller, actor, query);
  return create(HistoryResponseSchema, {
    revisions: revisions.map(revisionInfo),
    nextPageToken: next === undefined ? "" : await pageTokens.make(scope, [next]),
  });
}

function revisionInfo({ row, state, size }: PastState) {
  const payload = payloadMessage(state);
  return create(RevisionInfoSchema, {
    revision: BigInt(row.revision),
    committed: timestampFromMs(row.committedMs),
    action: row.action,
    tags: { ...row.tags },
    size,
    ...(payload !== undefined && { state: payload }),
  });
}

async function restore(
  { api }: ActorServiceParts,
  message: RestoreRequest,
  { caller }: CallChannel,
) {
  const actor = actorOf(message.actor);
  checkRequestId(message.requestId);
  const from = checkedRevision(message.revision);
  const revision = await api.restore(caller, actor, from, message.requestId);
  return create(RestoreResponseSchema, { revision: BigInt(revision) });
}

/** Removing a state is a turn like any other, which the server takes instead of the host. */
async function remove({ calls }: ActorServiceParts, message: DeleteRequest, channel: CallChannel) {
  const actor = actorOf(message.actor);
  const { requestId, shred } = message;
  const operation = { kind: "delete", shred } as const;
  const call = { ...BLANK_CALL, ...actor, action: "delete", requestId, operation };
  const { revision } = await calls.invoke("Delete", call, channel, NEVER);
  return create(DeleteResponseSchema, { revision: BigInt(revision) });
}

function pageSize({ edgeLimits }: ActorServiceParts, wanted: number): number {
  return wanted === 0 ? edgeLimits.pageSize : Math.min(wanted, LARGEST_PAGE);
}

function timeOf(time: Timestamp | undefined): number | undefined {
  if (time === undefined) return undefined;
  const ms = timestampMs(time);
  if (!Number.isSafeInteger(Math.trunc(ms)) || ms < 0) throw refuse("TIMESTAMP");
  return ms;
}
