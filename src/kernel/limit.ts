import { setting, type Setting } from "./setting.ts";
import type { ValueOfType, ValueType } from "./value-types.ts";

/** A bound of the node: a setting below `limits` whose own value is bounded. */
export function limit<T extends ValueType>(
  name: string,
  type: T,
  byDefault: string,
  min: number,
  max: number | undefined,
  doc: string,
): Setting<ValueOfType[T]> {
  return setting(`limits.${name}`, type, byDefault, doc, {
    min,
    ...(max === undefined ? {} : { max }),
  });
}
