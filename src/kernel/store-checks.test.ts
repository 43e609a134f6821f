import { describe, expect, test } from "bun:test";
import { accepted, type Given, KEY, refused, yaml } from "../../test/support/config-fixture.ts";
import { sourceText } from "./config-problem.ts";

const URL = "postgres://u:p@db/archive";
const KEYS = { TROUPE_STATESTORE_KEYS: KEY };

const storesOf = (given: Given): readonly (readonly [string, string])[] =>
  accepted(given)
    .settings.selections.filter(({ contract }) => contract === "statestore@1")
    .map(({ instance, plugin }) => [instance, plugin] as const);

const said = (given: Given): readonly string[] =>
  refused(given).map(({ key, reason, hint }) => `${key} ${reason} ${hint}`.trim());

describe("several statestores", () => {
  test("are named by a variable, with options of their own, and given to systems", () => {
    const env = {
      ...KEYS,
      TROUPE_STATESTORES: "archive=postgres,audit=sqlite",
      TROUPE_STATESTORES_ARCHIVE_URL: URL,
      TROUPE_STATESTORES_AUDIT_PATH: "/data/audit.db",
      TROUPE_SYSTEM_STORES: "billing=archive,log.v2=audit,Old_1=archive",
    };
    const { settings } = accepted({ env });
    expect(storesOf({ env })).toEqual([
      ["statestore", "sqlite"],
      ["archive", "postgres"],
      ["audit", "sqlite"],
    ]);
    expect(settings.systems).toEqual({ billing: "archive", "log.v2": "audit", Old_1: "archive" });
    const archive = settings.selections.find(({ instance }) => instance === "archive");
    expect(archive?.options).toEqual({ url: URL, poolSize: 20, queueTarget: 10_000 });
  });

  test.each([
    [
      "troupe.yaml",
      "statestores: {archive: {plugin: sqlite, path: a.db}}\nsystems:\n  billing: {statestore: archive}\n",
    ],
    [
      "troupe.toml",
      '[statestores.archive]\nplugin = "sqlite"\npath = "a.db"\n[systems.billing]\nstatestore = "archive"\n',
    ],
    [
      "troupe.json",
      '{"statestores": {"archive": {"plugin": "sqlite", "path": "a.db"}}, "systems": {"billing": {"statestore": "archive"}}}',
    ],
  ])("are named in %s alike", (name, text) => {
    const given = { files: { [name]: text } };
    expect(storesOf(given)[1]).toEqual(["archive", "sqlite"]);
    expect(accepted(given).settings.systems).toEqual({ billing: "archive" });
  });

  test("are shown with the place that each value came from", () => {
    const env = { TROUPE_STATESTORES: "archive=memory", TROUPE_SYSTEM_STORES: "billing=archive" };
    const shown = accepted({ env }).effective.map(({ key, source }) => [key, sourceText(source)]);
    expect(shown).toContainEqual(["statestores.archive.plugin", "TROUPE_STATESTORES"]);
    expect(shown).toContainEqual(["systems", "TROUPE_SYSTEM_STORES"]);
  });

  test("need a key as soon as one of them is a server's", () => {
    const env = {
      TROUPE_STATESTORES: "archive=postgres",
      TROUPE_STATESTORES_ARCHIVE_URL: URL,
      TROUPE_SYSTEM_STORES: "billing=archive",
    };
    expect(refused({ env }).map(({ reason }) => reason)).toEqual(["state_key_missing"]);
  });
});

describe("statestores and systems that do not fit are refused", () => {
  const two = "archive=memory,audit=memory";
  test.each<[string, Given, readonly string[]]>([
    [
      "a store that there is not, with the nearest name",
      {
        env: {
          TROUPE_STATESTORES: two,
          TROUPE_SYSTEM_STORES: "a=archive,b=audit,c=archve,d=nowhere",
        },
      },
      [
        "systems.c.statestore unknown_store did you mean archive?",
        "systems.d.statestore unknown_store there are: archive, audit",
      ],
    ],
    [
      "a store where there are none",
      { env: { TROUPE_SYSTEM_STORES: "a=archive" } },
      ["systems.a.statestore unknown_store there are: none"],
    ],
    [
      "a store that nobody uses",
      { env: { TROUPE_STATESTORES: two, TROUPE_SYSTEM_STORES: "a=archive" } },
      ["statestores.audit unused give it to a system: TROUPE_SYSTEM_STORES=<system>=audit"],
    ],
    [
      "a name that stands for the first one",
      { env: { TROUPE_STATESTORES: "default=memory", TROUPE_SYSTEM_STORES: "a=default" } },
      ["statestores.default conflict rename it"],
    ],
    [
      "an unknown plug-in, and no word about what hangs on it",
      { env: { TROUPE_STATESTORES: "archive=memry", TROUPE_SYSTEM_STORES: "a=archive" } },
      ["statestores.archive unknown_plugin did you mean memory?"],
    ],
    [
      "what is no name of a system",
      { env: { TROUPE_STATESTORES: "x=memory", TROUPE_SYSTEM_STORES: "a/b=x" } },
      ["systems charset use letters, digits, dots, hyphens, underscores"],
    ],
    [
      "the server's own system",
      { env: { TROUPE_STATESTORES: "x=memory", TROUPE_SYSTEM_STORES: "troupe-internal=x" } },
      ["systems range"],
    ],
    [
      "a misspelt key of a system",
      yaml(
        "statestores: {x: {plugin: memory}}\nsystems: {a: {statestore: x}, b: {statestor: x}}\n",
      ),
      ["systems type", "systems.b.statestor unknown_key did you mean systems.b.statestore?"],
    ],
    [
      "a system without a map",
      yaml("statestores: {x: {plugin: memory}}\nsystems: {a: x}\n"),
      ["systems type"],
    ],
    [
      "a misspelt option, and a system of nothing, at once",
      {
        env: {
          TROUPE_STATESTORES: "x=sqlite",
          TROUPE_STATESTORES_X_PTH: "a",
          TROUPE_SYSTEM_STORES: "a=y",
        },
      },
      [
        "statestores_x_pth unknown_key did you mean TROUPE_STATESTORES_X_PATH?",
        "systems.a.statestore unknown_store did you mean x?",
        "statestores.x unused give it to a system: TROUPE_SYSTEM_STORES=<system>=x",
      ],
    ],
  ])("%s", (_, given, expected) => {
    expect(said(given)).toEqual([...expected]);
  });
});
