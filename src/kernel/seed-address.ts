/** Where a member is said to be. */
export interface SeedAddress {
  /** Without brackets. */
  readonly host: string;
  /** `undefined` if none was written. */
  readonly port: number | undefined;
}

const HIGHEST_PORT = 65_535;

/** Reads `host`, `host:port`, `[address]` or `[address]:port`; `undefined` if it is none of them. */
export function parseSeed(text: string): SeedAddress | undefined {
  const found =
    /^(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(
      text.trim(),
    );
  const host = found?.[1] ?? found?.[2];
  if (host === undefined) return undefined;
  const port = found?.[3] === undefined ? undefined : Number(found[3]);
  return port === 0 || (port ?? 0) > HIGHEST_PORT ? undefined : { host, port };
}
