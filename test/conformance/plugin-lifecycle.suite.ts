import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { ComponentOf, ContractId, HostOf, Plugin } from "../../src/contract/index.ts";
import { BUILT_IN, checkPlugin, makeCatalogue, optionsOf } from "../../src/kernel/catalogue.ts";
import { componentFault } from "../../src/kernel/component-shape.ts";
import { readSources } from "../../src/kernel/config-inputs.ts";
import { FAMILIES } from "../../src/kernel/families.ts";
import { readSettings } from "../../src/kernel/read-settings.ts";
import { formatValue, parseValue } from "../../src/kernel/value-types.ts";
import { tempDir } from "../support/temp-dir.ts";

/** What a plug-in's life is tried with. */
export interface PluginLifecycleOptions<K extends ContractId, Config> {
  readonly plugin: Plugin<K, Config>;
  /** Options with which the component can be created. */
  readonly config: Config;
  /** A fresh host whose files go to `dataDir`. */
  readonly host: (options: { readonly dataDir: string }) => HostOf<K>;
}

/** A day in 2026; the kernel refuses clocks that were never set. */
const WALL_MS = 1_767_225_600_000;
/** Milliseconds within which a stop must be done. */
const STOP_DEADLINE_MS = 5000;

/** What every plug-in promises, whatever its family. */
export function pluginLifecycleSuite<K extends ContractId, Config>(
  subject: PluginLifecycleOptions<K, Config>,
): void {
  const { plugin, config } = subject;
  // The kernel knows plug-ins of any family; which one this is does not matter here.
  const known = plugin as unknown as Parameters<typeof optionsOf>[0];

  async function withComponent(
    body: (component: ComponentOf<K>, dataDir: string) => Promise<void>,
  ): Promise<void> {
    using folder = tempDir();
    const host = subject.host({ dataDir: folder.path });
    await body(plugin.create(config, { ...host, dataDir: folder.path }), folder.path);
  }

  const stop = async (component: ComponentOf<K>): Promise<void> =>
    component.stop?.(AbortSignal.timeout(STOP_DEADLINE_MS));

  describe(`${plugin.contract} ${plugin.name}: life`, () => {
    test("the kernel takes it for a plug-in", () => {
      expect(checkPlugin(plugin, "under test")).toBe(known);
      expect(plugin.doc).toMatch(/\S/);
    });

    test("every default is valid, is one that can be written, and is documented", () => {
      for (const [name, descriptor] of optionsOf(known)) {
        expect(descriptor.doc, name).toMatch(/\S/);
        if (descriptor.default === undefined) continue;
        const text = formatValue(descriptor.type, descriptor.default);
        // An empty path or URL as default stands for "not given".
        if (text === "") continue;
        const parsed = parseValue(descriptor, text);
        expect(parsed, name).toMatchObject({ ok: true, value: descriptor.default });
      }
    });

    test("an option that it does not have is refused by name", () => {
      const family = FAMILIES.find((each) => each.contract === plugin.contract);
      const key = family?.many === true ? `${family.key}.one` : family?.key;
      const value = { plugin: plugin.name, no_such_option: "1" };
      const text = JSON.stringify({
        [family?.key ?? ""]: family?.many === true ? { one: value } : value,
      });
      const read = (path: string) =>
        path === "troupe.json"
          ? ({ kind: "text", text } as const)
          : ({ kind: "failed", reason: "not_found" } as const);
      const { catalogue } = makeCatalogue([{ plugin: known, origin: BUILT_IN }]);
      const sources = readSources({ environment: {}, flags: {}, files: { read }, wallMs: WALL_MS });
      const result = readSettings(sources, catalogue);
      const found = result.ok ? [] : result.problems.map((each) => `${each.key} ${each.reason}`);
      expect(found).toContain(`${key}.no_such_option unknown_key`);
    });

    test("creating it touches no file and makes a component of its family", async () => {
      await withComponent(async (component, dataDir) => {
        expect(componentFault(plugin.contract, component)).toBeUndefined();
        expect(readdirSync(dataDir)).toEqual([]);
        await stop(component);
      });
    });

    test("it may be stopped without a start, and twice", async () => {
      await withComponent(async (component) => {
        await stop(component);
        await stop(component);
      });
    });
  });
}
