import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { ActorTypeSchema } from "../gen/troupe/v1/host_pb.ts";
import { actorTypeSpec } from "./actor-spec.ts";
import { typeMessage } from "./type-message.ts";

test("what an actor does not set is left to the server, and what it sets is sent", () => {
  const actor = { type: "counter", initial: 0, actions: {} };
  const plain = create(ActorTypeSchema, typeMessage(actorTypeSpec(actor, "default")));
  expect([plain.mailboxCalls, plain.mailboxBytes]).toEqual([0, 0n]);
  expect([plain.deactivationTimeout?.seconds, plain.deactivationTimeout?.nanos]).toEqual([0n, 0]);
  const own = { ...actor, mailboxCalls: 5, mailboxBytes: 6_000, deactivationTimeoutMs: 7_000 };
  const set = create(ActorTypeSchema, typeMessage(actorTypeSpec(own, "default")));
  expect([set.mailboxCalls, set.mailboxBytes, set.deactivationTimeout?.seconds]).toEqual([
    5,
    6_000n,
    7n,
  ]);
});
