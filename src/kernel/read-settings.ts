import type { Catalogue } from "./catalogue.ts";
import type { ConfigSources } from "./config-inputs.ts";
import {
  problem,
  type ConfigProblem,
  type ConfigSource,
  type ConfigWarning,
} from "./config-problem.ts";
import { CROSS_CHECKS, listenAddresses, sourceLookup, type CrossCheck } from "./cross-checks.ts";
import type { Selection, Selections } from "./families.ts";
import { LIMIT_SETTINGS } from "./limit-settings.ts";
import { isLoopback } from "./loopback.ts";
import { selectPlugins, type Choice, type Choices } from "./select-plugins.ts";
import type { Setting } from "./setting.ts";
import { allSettings, NODE_SETTINGS, type Settings } from "./settings.ts";
import { readSlot, settingSlot, slotNames, type Findings, type SlotValue } from "./slot.ts";
import { checkNames } from "./unknown-names.ts";
import type { Address } from "./value-types.ts";

/** One line of the effective configuration. */
export interface EffectiveValue {
  readonly key: string;
  readonly value: unknown;
  readonly slot: SlotValue["slot"];
  readonly source: ConfigSource;
}

/** Configuration that may be served. */
export interface AcceptedSettings {
  readonly ok: true;
  readonly settings: Settings;
  readonly warnings: readonly ConfigWarning[];
  /** Every value with its source, for `describeSettings`. */
  readonly effective: readonly EffectiveValue[];
}

/** Configuration that is refused: every problem of every source, at once. */
export interface RefusedSettings {
  readonly ok: false;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
}

/** What else is known or to be checked when settings are read. */
export interface ReadOptions {
  /** Problems found before, e.g. by loading external plug-ins. */
  readonly problems?: readonly ConfigProblem[];
  readonly checks?: readonly CrossCheck[];
}

type Table = Readonly<Record<string, Setting<unknown>>>;

function tableValues(
  table: Table,
  values: ReadonlyMap<string, SlotValue>,
): Record<string, unknown> {
  const byName = Object.entries(table).map(([name, found]) => {
    const read = values.get(found.key);
    return [name, read === undefined || read.failed ? found.default : read.value];
  });
  return Object.fromEntries(byName) as Record<string, unknown>;
}

const RANKS: Readonly<Record<ConfigSource["kind"], number>> = {
  default: 0,
  file: 1,
  environment: 2,
  flag: 3,
};

/** `port` changes the port of an address that was given in a lower place. */
function applyPort(values: Map<string, SlotValue>, found: Findings): void {
  const port = values.get("port");
  const address = values.get("http_addr");
  if (port === undefined || address === undefined) return;
  if (port.failed || port.value === undefined || address.failed) return;
  const difference = RANKS[port.source.kind] - RANKS[address.source.kind];
  if (difference > 0) {
    const { host } = address.value as Address;
    const value = Object.freeze({ host, port: port.value as number });
    values.set("http_addr", { ...address, value, source: port.source });
    return;
  }
  const message = "port and http_addr both name the port";
  if (difference === 0)
    found.problems.push(problem("port", port.source, "conflict", message, "keep one of them"));
  else
    found.warnings.push({
      key: "port",
      source: port.source,
      message: "port is passed over: http_addr is given in a higher place",
    });
}

function readOptions(
  sources: ConfigSources,
  choice: Choice,
  taken: ReadonlySet<string>,
  found: Findings,
): { readonly selection: Selection; readonly values: readonly SlotValue[] } {
  const read = choice.options.map(([name, slot]) => ({
    name,
    value: readSlot(sources, slot, taken, found),
  }));
  const options = Object.fromEntries(read.map(({ name, value }) => [name, value.value]));
  const selection: Selection = Object.freeze({
    contract: choice.family.contract,
    plugin: choice.entry.plugin.name,
    instance: choice.instance,
    options: Object.freeze(options),
  });
  return { selection, values: read.map(({ value }) => value) };
}

function choiceKey({ family, instance }: Choice): string {
  return family.many ? `${family.key}.${instance}` : family.key;
}

/** Two instances whose variables would be the same cannot be told apart. */
function checkEnvironmentClashes(choices: Choices, found: Findings): void {
  const owners = new Map<string, string>();
  for (const choice of choices.choices) {
    for (const [, slot] of choice.options) {
      const owner = owners.get(slot.environment);
      if (owner !== undefined && owner !== choice.instance) {
        const message = `${owner} and ${choice.instance} would both be set by ${slot.environment}`;
        found.problems.push(
          problem(slot.key, choice.source, "conflict", message, "rename one instance"),
        );
        break;
      }
      owners.set(slot.environment, choice.instance);
    }
  }
}

function warnOfReserved(values: ReadonlyMap<string, SlotValue>, found: Findings): void {
  for (const setting of allSettings()) {
    const value = values.get(setting.key);
    if (setting.reserved !== true || value === undefined || value.source.kind === "default")
      continue;
    const { key } = setting;
    found.warnings.push({
      key,
      source: value.source,
      message: `${key} is accepted, but has no effect in this release`,
    });
  }
}

function effectiveValues(
  values: ReadonlyMap<string, SlotValue>,
  choices: readonly Choice[],
  options: readonly SlotValue[],
): readonly EffectiveValue[] {
  const chosen = choices.map((choice): EffectiveValue => {
    const key = choice.family.many ? `${choiceKey(choice)}.plugin` : choiceKey(choice);
    const spec = { type: "string", doc: choice.family.doc } as const;
    const slot = { key, environment: "", flag: "", spec, byFile: false };
    return { key, value: choice.entry.plugin.name, slot, source: choice.source };
  });
  const read = [...values.values(), ...options].map(({ slot, value, source }) => ({
    key: slot.key,
    value,
    slot,
    source,
  }));
  return [...read.filter(({ value }) => value !== undefined), ...chosen];
}

/**
 * Turns sources into settings. Everything that is wrong in any of them is reported together; nothing
 * is half accepted. Reads the files that `_FILE` names, and has no other effect.
 */
export function readSettings(
  sources: ConfigSources,
  catalogue: Catalogue,
  { problems = [], checks = [] }: ReadOptions = {},
): AcceptedSettings | RefusedSettings {
  const found: Findings = {
    problems: [...sources.problems, ...problems],
    warnings: [...sources.warnings],
  };
  const settingSlots = allSettings().map(settingSlot);
  const settingNames = slotNames(settingSlots);
  const values = new Map(
    settingSlots.map((slot) => [slot.key, readSlot(sources, slot, settingNames, found)]),
  );
  applyPort(values, found);
  const limits = Object.freeze(tableValues(LIMIT_SETTINGS, values));
  const node = tableValues(NODE_SETTINGS, values);
  const assemble = (selections: Selections): Settings =>
    Object.freeze({
      ...node,
      limits,
      selections: Object.freeze(selections),
    }) as unknown as Settings;

  const loopback = listenAddresses(assemble([])).every(([, address]) => isLoopback(address.host));
  const choices = selectPlugins(sources, catalogue, loopback, found);
  const optionSlots = choices.choices.flatMap((choice) => choice.options.map(([, slot]) => slot));
  const slots = [...settingSlots, ...choices.slots, ...optionSlots];
  const taken = slotNames(slots);
  const read = choices.choices.map((choice) => readOptions(sources, choice, taken, found));
  checkEnvironmentClashes(choices, found);
  // A file that could not be understood has no names to judge; the other sources have.
  checkNames(sources, { slots, unjudged: choices.unjudged }, found);

  const settings = assemble(read.map(({ selection }) => selection));
  const sourceOf = sourceLookup(
    new Map([
      ...[...values].map(([key, { source }]) => [key, source] as const),
      ...choices.choices.map((choice) => [choiceKey(choice), choice.source] as const),
    ]),
  );
  for (const check of [...CROSS_CHECKS, ...checks]) check({ settings, sourceOf, found });
  warnOfReserved(values, found);
  const { warnings } = found;
  if (found.problems.length > 0) return { ok: false, problems: found.problems, warnings };
  const options = read.flatMap((each) => each.values);
  const effective = effectiveValues(values, choices.choices, options);
  return { ok: true, settings, warnings, effective };
}
