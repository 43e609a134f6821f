import { setting, type Setting, type SettingExtras } from "./setting.ts";
import type { ValueOfType, ValueType } from "./value-types.ts";

/** For bounds of what this release does not do yet: accepted, checked, and warned about when set. */
export const RESERVED: Pick<SettingExtras, "reserved"> = Object.freeze({ reserved: true });

/** A bound of the node: a setting below `limits` whose own value is bounded. */
export function limit<T extends ValueType>(
  name: string,
  type: T,
  byDefault: string,
  min: number,
  max: number | undefined,
  doc: string,
  extras: Pick<SettingExtras, "reserved"> = {},
): Setting<ValueOfType[T]> {
  return setting(`limits.${name}`, type, byDefault, doc, {
    min,
    ...(max === undefined ? {} : { max }),
    ...extras,
  });
}
