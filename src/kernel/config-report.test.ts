import { describe, expect, test } from "bun:test";
import { accepted, catalogue, env, KEY } from "../../test/support/config-fixture.ts";
import { describeSettings, secretVariables } from "./config-report.ts";
import { configSchema } from "./config-schema.ts";

describe("what is shown of configuration", () => {
  test("every value has its source, and secrets are masked", () => {
    const { effective } = accepted({
      files: { "troupe.yaml": "cluster: c1\n" },
      env: {
        TROUPE_STATESTORE: "postgres",
        TROUPE_STATESTORE_URL: "postgres://u:secret@h/d",
        TROUPE_STATESTORE_KEYS: KEY,
      },
    });
    const lines = describeSettings(effective);
    const find = (key: string) => lines.find((line) => line.key === key);
    expect(find("cluster")).toEqual({ key: "cluster", value: "c1", source: "troupe.yaml:1:1" });
    expect(find("statestore.url")).toMatchObject({
      value: "********",
      source: "TROUPE_STATESTORE_URL",
    });
    expect(find("statestore")).toMatchObject({ value: "postgres", source: "TROUPE_STATESTORE" });
    expect(find("limits.lease_ttl")).toMatchObject({ value: "15s", source: "default" });
    expect(JSON.stringify(lines)).not.toContain("secret@");
    expect(JSON.stringify(lines)).not.toContain(KEY);
    expect(secretVariables(effective)).toEqual(["TROUPE_STATESTORE_KEYS", "TROUPE_STATESTORE_URL"]);
  });

  test("the JSON Schema knows settings, limits and options", () => {
    const schema = JSON.parse(JSON.stringify(configSchema(catalogue)));
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.limits.properties.mailbox_calls).toMatchObject({
      type: "integer",
      minimum: 1,
    });
    expect(JSON.stringify(schema.properties.statestore)).toContain("pool_size");
  });

  test("the documented default of every setting is accepted as it is written", () => {
    const { effective } = accepted({});
    for (const { key, value } of describeSettings(effective)) {
      if (/^(statestore|placement|partition_tolerance|balancer|acl)/.test(key) || key === "port")
        continue;
      const name = `TROUPE_${key.toUpperCase().replaceAll(".", "_")}`;
      if (value !== "") accepted(env(name, value));
    }
  });
});
