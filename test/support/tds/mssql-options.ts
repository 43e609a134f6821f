import mssql, { type MssqlOptions } from "../../../plugins/statestores/mssql/plugin.ts";

/** Every option's default. */
export function defaultOptions(): MssqlOptions {
  const entries = Object.entries(mssql.options).map(([name, { default: value }]) => [name, value]);
  return Object.fromEntries(entries) as MssqlOptions;
}
