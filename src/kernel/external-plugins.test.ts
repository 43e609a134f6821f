import { expect, test } from "bun:test";
import type { AnyPlugin } from "../contract/plugin.ts";
import { readSources } from "./config-inputs.ts";
import { configure } from "./configure.ts";
import type { LoadedModule } from "./external-plugins.ts";

const GOOD = {
  contract: "balancer@1",
  name: "mine",
  stability: "experimental",
  doc: "Mine.",
  options: {},
  create: () => ({ choose: () => 0 }),
};

const builtins = [
  "statestore sqlite",
  "placement rendezvous",
  "partition-tolerance store-arbiter",
  "discovery static",
  "balancer two-choices",
  "acl allow-all",
].map((text) => {
  const [family = "", name = ""] = text.split(" ");
  return { ...GOOD, contract: `${family}@1`, name } as unknown as AnyPlugin;
});

const files = { read: () => ({ kind: "failed", reason: "not_found" }) as const };

function run(env: Record<string, string>, modules: Record<string, unknown> = {}) {
  const load = async ({ path }: { readonly path: string }): Promise<LoadedModule> =>
    path in modules
      ? { kind: "loaded", path, exported: modules[path] }
      : { kind: "failed", reason: "not_found", detail: "does not exist" };
  const inputs = { environment: env, flags: {}, files, wallMs: 1_800_000_000_000 };
  expect(readSources(inputs).problems).toEqual([]);
  return configure(inputs, { builtins, loader: { load } });
}

const one = (plugin: unknown) => run({ TROUPE_PLUGINS: "/p/x.ts" }, { "/p/x.ts": plugin });

test("an external plug-in is chosen by its name like a built-in one", async () => {
  const env = { TROUPE_PLUGINS: "/p/x.ts", TROUPE_BALANCER: "mine" };
  const configured = await run(env, { "/p/x.ts": GOOD });
  expect(configured.ok).toBe(true);
  expect(configured.catalogue.find("balancer@1", "mine")?.origin).toBe("/p/x.ts");
});

test("a plug-in that cannot be loaded is told once, and not as a name that nobody knows", async () => {
  const configured = await run({ TROUPE_PLUGINS: "/p/absent.ts", TROUPE_BALANCER: "mine" });
  const reasons = configured.ok ? [] : configured.problems.map(({ reason }) => reason);
  expect(reasons).toEqual(["not_found"]);
});

test.each<[string, unknown, string]>([
  ["null", null, "bad_shape"],
  ["a function", () => GOOD, "bad_shape"],
  ["no create", { ...GOOD, create: undefined }, "bad_shape"],
  ["no options", { ...GOOD, options: null }, "bad_shape"],
  ["an option without a type", { ...GOOD, options: { a: {} } }, "bad_shape"],
  ["no stability", { ...GOOD, stability: "great" }, "bad_shape"],
  ["a path for a name", { ...GOOD, name: "../x" }, "bad_manifest"],
  ["a long name", { ...GOOD, name: "x".repeat(65) }, "bad_manifest"],
  ["an upper-case name", { ...GOOD, name: "Mine" }, "bad_manifest"],
  ["a zero in the name", { ...GOOD, name: "mi\0ne" }, "bad_manifest"],
  ["no contract", { ...GOOD, contract: undefined }, "api_version_missing"],
  ["a newer contract", { ...GOOD, contract: "balancer@2" }, "api_version_unsupported"],
  ["the name of a built-in", { ...GOOD, name: "two-choices" }, "conflict"],
])("a plug-in with %s is refused", async (_, plugin, reason) => {
  const configured = await one(plugin);
  const reasons = configured.ok ? [] : configured.problems.map((each) => each.reason);
  expect(reasons).toEqual([reason as never]);
});

test("a newer contract is told what is served", async () => {
  const configured = await one({ ...GOOD, contract: "balancer@2" });
  expect(configured.ok ? "" : configured.problems[0]?.hint).toBe("this server serves balancer@1");
});

test.each([
  ["https://example.com/x.ts", "scheme_denied"],
  ["data:text/javascript;base64", "scheme_denied"],
  ["file:///p/x.ts", "scheme_denied"],
  ["/p/x.txt", "type"],
  ["/p/x.ts#sha256=12", "type"],
  ["/p/absent.ts", "not_found"],
  [Array.from({ length: 65 }, (_, index) => `/p/${index}.ts`).join(","), "too_many"],
])("the path %s is refused: %s", async (path, reason) => {
  const configured = await run({ TROUPE_PLUGINS: path });
  const reasons = configured.ok ? [] : configured.problems.map((each) => each.reason);
  expect(reasons).toEqual([reason as never]);
});

test("a pin is wanted where integrity is required", async () => {
  const env = { TROUPE_PLUGINS: "/p/x.ts", TROUPE_REQUIRE_PLUGIN_INTEGRITY: "true" };
  const configured = await run(env, { "/p/x.ts": GOOD });
  expect(configured.ok ? "" : configured.problems[0]?.reason).toBe("integrity_missing");
});

test("two plug-ins of one name are both named", async () => {
  const env = { TROUPE_PLUGINS: "/p/x.ts,/p/y.ts" };
  const configured = await run(env, { "/p/x.ts": GOOD, "/p/y.ts": GOOD });
  const message = configured.ok ? "" : (configured.problems[0]?.message ?? "");
  expect(message).toContain("/p/x.ts and /p/y.ts");
});
