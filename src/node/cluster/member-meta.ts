import type { MemberInfo } from "../../core/swim/member.ts";
import { decodeNodeMeta, encodeNodeMeta } from "../../core/swim/node-meta.ts";
import { EMPTY_MAP } from "../../domain/invocation.ts";
import type { Member, ProtocolRange } from "../../domain/member.ts";
import { assert } from "../../std/assert.ts";

/** A member as membership knows it, with the types it has told; one that says nothing is ordinary. */
export function memberOf(
  info: MemberInfo,
  types: ReadonlySet<string> | undefined,
  speaks: ProtocolRange,
): Member {
  const meta = decodeNodeMeta(info.meta);
  return {
    nodeId: info.name,
    bootId: info.bootId,
    sessionId: info.generation,
    address: info.address,
    weight: meta?.weight ?? 1,
    tags: meta?.tags ?? EMPTY_MAP,
    zone: "",
    draining: meta?.draining ?? false,
    well: true,
    protocol: meta === undefined ? speaks : { min: meta.protocolMin, max: meta.protocolMax },
    systems: undefined,
    types,
  };
}

/** What a node says of itself, as bytes. */
export function metaOf(self: Member, typesDigest: Uint8Array): Uint8Array {
  const { tags, weight, draining, protocol } = self;
  const { min: protocolMin, max: protocolMax } = protocol;
  const meta = encodeNodeMeta({ tags, weight, draining, protocolMin, protocolMax, typesDigest });
  assert(meta !== undefined, "what a node says of itself fits");
  return meta;
}
