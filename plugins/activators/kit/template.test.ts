import { describe, expect, test } from "bun:test";
import { Prng } from "../../../test/support/prng.ts";
import { ActorTemplate } from "./actor-template.ts";
import { cloudEventRequestId, readCloudEvent } from "./cloud-event.ts";
import { rawJsonMember } from "./json-member.ts";
import { OutsideEvent } from "./outside-event.ts";
import { Template, type TemplateForm } from "./template.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const BODY = `{"orderId":42,"big":12345678901234567890,"half":1.5,"name":"a/b\\"c","ok":true,"none":null,
  "items":[{"unit price":9}],"customer":{"id":"c-1"}}`;

const EVENT = new OutsideEvent({
  body: encode(BODY),
  headers: { "x-id": "h-1" },
  query: { id: "q 1", constructor: "own" },
  attributes: { type: "com.example.order" },
  topic: "orders",
});

function render(text: string, form: TemplateForm = "name"): string | undefined {
  const rendered = new Template(text, form).render(EVENT);
  return rendered.kind === "ok" ? rendered.text : undefined;
}

describe("templates for names", () => {
  test.each([
    ["plain", "plain"],
    ["a-{header:X-Id}-z", "a-h-1-z"],
    ["{query:id}", "q 1"],
    ["{json:$.orderId}", "42"],
    ["{json:$.half}", "1.5"],
    ["{json:$.ok}", "true"],
    ["{json:$.items[0]['unit price']}", "9"],
    ['{json:$["customer"].id}', "c-1"],
    ["{ce:type}", "com.example.order"],
    ["{topic}", "orders"],
    ["{{{topic}}}", "{orders}"],
  ])("%s gives %s", (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test.each([
    ["{header:constructor}", "a header that only the prototype has"],
    ["{key}", "what the source does not have"],
    ["{json:$.constructor}", "a member that only the prototype has"],
    ["{json:$.none}", "null"],
    ["{json:$.customer}", "an object"],
    ["{json:$.items.length}", "what is not JSON's own"],
    ["{json:$.orderId.x}", "a member of a number"],
    ["{json:$.big}", "a whole number that has lost digits"],
  ])("%s gives nothing: %s", (text) => {
    expect(render(text)).toBeUndefined();
  });

  test.each([
    "{",
    "a}",
    "{hedder:x}",
    "{header}",
    "{header:}",
    "{json:orderId}",
    "{json:$..a}",
    "{topic:x}",
    "{body:text}",
  ])("%s is refused", (text) => {
    expect(() => new Template(text, "name")).toThrow();
  });
});

test("in JSON every value stays in its place, whatever it holds", () => {
  const text =
    '{"id": {header:x-id}, "name": {json:$.name}, "all": [{json:$.customer}], "raw": {body:string}}';
  expect(JSON.parse(render(text, "json") ?? "")).toEqual({
    id: "h-1",
    name: 'a/b"c',
    all: [{ id: "c-1" }],
    raw: BODY,
  });
  expect(() => new Template('{"id": {hedder:x}}', "json")).toThrow();
});

describe("addresses", () => {
  const address = (text: string, event = EVENT) => {
    const addressed = new ActorTemplate(text, "default").render(event);
    return addressed.kind === "ok" ? addressed.actor : undefined;
  };

  test("are type/key or system/type/key, and a value's slash stays in the key", () => {
    expect(address("order/{json:$.orderId}")).toEqual({
      system: "default",
      type: "order",
      key: "42",
    });
    expect(address("order/{json:$.name}")).toEqual({
      system: "default",
      type: "order",
      key: 'a/b"c',
    });
    expect(address("shop/order/a/{topic}")).toEqual({
      system: "shop",
      type: "order",
      key: "a/orders",
    });
    const slash = new OutsideEvent({ body: encode('{"a/b":1}') });
    expect(address("order/{json:$['a/b']}", slash)?.key).toBe("1");
  });

  test("are none if a value is missing, empty, or a slash lies in a type", () => {
    expect(address("order/{header:x-none}")).toBeUndefined();
    expect(
      address("order/{query:id}", new OutsideEvent({ body: encode(""), query: { id: "" } })),
    ).toBeUndefined();
    expect(address("{json:$.name}/1")).toBeUndefined();
  });
});

describe("CloudEvents", () => {
  const binary = {
    "ce-specversion": "1.0",
    "ce-id": "7",
    "ce-source": "/shop",
    "ce-type": "order%20placed",
    "content-type": "application/json",
  };
  const structured = (text: string) =>
    readCloudEvent({ "content-type": "application/cloudevents+json; charset=utf-8" }, encode(text));
  const FIELDS = '"specversion":"1.0","id":"7","source":"/shop","type":"t"';

  test("binary mode: attributes are in the headers, percent-decoded", () => {
    const reading = readCloudEvent(binary, encode("{}"));
    expect(reading).toMatchObject({
      kind: "event",
      event: { attributes: { id: "7", type: "order placed" }, body: encode("{}") },
    });
  });

  test.each([
    [
      `{${FIELDS},"data":{"n":12345678901234567890, "s":"a,}\\"b"}}`,
      '{"n":12345678901234567890, "s":"a,}\\"b"}',
    ],
    [`{"data" : [1,{"data":2}] ,${FIELDS}}`, '[1,{"data":2}]'],
    [`{${FIELDS},"data":"text"}`, '"text"'],
    [`{${FIELDS},"datacontenttype":"text/plain","data":"text"}`, "text"],
    [`{${FIELDS},"data_base64":"aGk="}`, "hi"],
    [`{${FIELDS}}`, ""],
  ])("structured mode: the data of %s", (text, data) => {
    const reading = structured(text);
    expect(reading.kind).toBe("event");
    if (reading.kind === "event") expect(new TextDecoder().decode(reading.event.body)).toBe(data);
  });

  test("what says it is one and is not, is malformed; anything else is none", () => {
    expect(readCloudEvent({}, encode("{}")).kind).toBe("none");
    expect(readCloudEvent({ ...binary, "ce-id": "" }, encode("")).kind).toBe("malformed");
    expect(readCloudEvent({ ...binary, "ce-specversion": "0.3" }, encode("")).kind).toBe(
      "malformed",
    );
    expect(readCloudEvent({ ...binary, "ce-type": "%zz" }, encode("")).kind).toBe("malformed");
    expect(structured("[]").kind).toBe("malformed");
    expect(structured("{}").kind).toBe("malformed");
    const batch = { "content-type": "application/cloudevents-batch+json" };
    expect(readCloudEvent(batch, encode("[]")).kind).toBe("malformed");
  });

  test("the identity is source and id together, and fits a request id", () => {
    const id = (source: string, eventId: string) => cloudEventRequestId({ source, id: eventId });
    expect(id("/shop", "7")).toBe("/shop#7");
    expect(id("/bank", "7")).not.toBe(id("/shop", "7"));
    expect(id("/shop", "7".repeat(500))).toMatch(/^ce-[0-9a-f]{64}$/);
    expect(id("/shöp", "7").length).toBeLessThanOrEqual(128);
  });
});

test("the raw text of a member parses to what parsing the whole gives, for 2,000 random objects", () => {
  const prng = new Prng(4);
  const value = (depth: number): unknown => {
    const form = prng.below(depth > 3 ? 4 : 6);
    if (form === 0) return prng.below(100);
    if (form === 1) return prng.pick(['a"b', "\\", "{,}", "", "x:y", "\u2028"]);
    if (form === 2) return prng.pick([true, null]);
    if (form === 3) return -1.5e-7;
    const list = Array.from({ length: prng.below(4) }, () => value(depth + 1));
    return form === 4
      ? list
      : Object.fromEntries(list.map((each, at) => [prng.pick(["data", '"', "k"]) + at, each]));
  };
  for (let round = 0; round < 2_000; round += 1) {
    const object = { before: value(0), data: value(0), after: value(0) };
    const text = JSON.stringify(object, undefined, prng.below(3));
    expect(JSON.parse(rawJsonMember(text, "data") ?? "")).toEqual(object.data as never);
    expect(rawJsonMember(text, "absent")).toBeUndefined();
  }
});
