import { describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  attached,
  attaching,
  type Frame,
  hello,
} from "../../../test/conformance/host-kit/attaching.ts";
import { linkFixture } from "../../../test/conformance/host-kit/link-fixture.ts";
import { AttachRequestSchema } from "../../gen/troupe/v1/host_pb.ts";
import { connectCodeOf } from "../error-map.ts";

describe("hello", () => {
  test("is answered with a welcome and registers types and credit", async () => {
    const { sent, gate } = await attached();
    expect(sent[0]?.welcome).toMatchObject({
      node: "n1",
      version: 1,
      maxMessageBytes: 4 * 1024 * 1024,
    });
    expect(gate.links[0]?.types.map(({ type }) => type)).toEqual(["counter"]);
    expect([
      gate.links[0]?.firstCredit,
      gate.links[0]?.link.identity.id,
      gate.links[0]?.link.name,
    ]).toEqual([10, "h", "me"]);
  });

  test.each([
    ["no hello first", { credit: 1 }, "invalid_argument", "HELLO_MISSING"],
    ["wire version 99", { hello: { ...hello, version: 99 } }, "failed_precondition", "VERSION"],
    ["a wrong token", { hello: { ...hello, token: "bad" } }, "unauthenticated", "CREDENTIALS"],
    [
      "the token of a client",
      { hello: { ...hello, token: "client" } },
      "permission_denied",
      "HOST_IDENTITY",
    ],
    [
      "a flood of types",
      { hello: { ...hello, types: Array.from({ length: 20_000 }, () => ({})) } },
      "invalid_argument",
      "TOO_MANY_ELEMENTS",
    ],
    [
      "a first frame without measure",
      { hello: { ...hello, sdk: "x".repeat(1024 * 1024) } },
      "invalid_argument",
      "EARLY_FRAMES",
    ],
    [
      "a type without a name",
      { hello: { ...hello, types: [{ type: "" }] } },
      "invalid_argument",
      "ID_EMPTY",
    ],
    [
      "a type twice",
      { hello: { ...hello, types: [...hello.types, ...hello.types] } },
      "invalid_argument",
      "DUPLICATE_TYPE",
    ],
    [
      "a setting without effect",
      { hello: { ...hello, types: [{ type: "a", initAction: "x" }] } },
      "unimplemented",
      "SETTING_UNSUPPORTED",
    ],
    [
      "a kind of a later version",
      { hello: { ...hello, types: [{ type: "a", kind: 99 }] } },
      "invalid_argument",
      "UNKNOWN_ENUM",
    ],
    [
      "an endless name",
      { hello: { ...hello, hostName: "x".repeat(999) } },
      "invalid_argument",
      "HOST_NAME",
    ],
  ])("%s ends the stream", async (_, frame, code, reason) => {
    const fixture = attaching();
    await fixture.say(frame as Frame);
    const [error] = fixture.ends;
    if (error === undefined) throw new Error("the stream did not end with an error");
    expect([connectCodeOf(error), error.details.reason]).toEqual([code, reason] as never);
    expect(fixture.gate.links).toHaveLength(0);
  });

  test("the refusal of a version names the range that is spoken", async () => {
    const fixture = attaching();
    await fixture.say({ hello: { ...hello, version: 99 } });
    expect(fixture.ends[0]?.message).toContain("speaks 1 to 1");
  });

  test("must come in time", async () => {
    const { clock, ends } = attaching();
    await clock.advance(9_999);
    expect(ends).toEqual([]);
    await clock.advance(2);
    expect(ends[0]?.details.reason).toBe("HELLO_TIMEOUT");
  });

  test("comes once", async () => {
    const fixture = await attached();
    await fixture.say({ hello });
    expect(fixture.ends[0]?.details.reason).toBe("HELLO_TWICE");
    expect(fixture.gate.links[0]?.lost).toBeDefined();
  });

  test("what comes with it counts, and a flood before the welcome does not", async () => {
    const { gate } = await attached(5);
    expect(gate.links[0]?.credit).toBe(15);
    const flood = attaching();
    for (let at = 0; at < 20; at += 1) {
      flood.host.receive(
        toBinary(
          AttachRequestSchema,
          create(AttachRequestSchema, at === 0 ? { hello } : { ping: true }),
        ),
      );
    }
    expect(flood.ends[0]?.details.reason).toBe("EARLY_FRAMES");
    const large = attaching();
    const outcomes = [{ reply: { type: "x", data: new Uint8Array(600_000) } }];
    for (const frame of [{ hello }, { results: [{ outcomes }] }, { results: [{ outcomes }] }]) {
      large.host.receive(toBinary(AttachRequestSchema, create(AttachRequestSchema, frame)));
    }
    expect(large.ends[0]?.details.reason).toBe("EARLY_FRAMES");
  });

  test("a host in a loop is held back", async () => {
    const { options, clock } = linkFixture();
    const admit = (): void => options.registrations.admit("host/h");
    for (let at = 0; at < 100; at += 1) admit();
    expect(admit).toThrow("too often");
    options.registrations.admit("host/other");
    await clock.advance(200);
    admit();
    admit();
    expect(admit).toThrow("too often");
  });

  test("a weight that is no number is as good as none", async () => {
    for (const weight of [Number.NaN, -1, Number.POSITIVE_INFINITY, 0]) {
      const fixture = attaching();
      await fixture.say({ hello: { ...hello, weight } });
      expect(fixture.host.weight).toBe(1);
    }
  });
});
