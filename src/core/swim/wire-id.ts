import { xxHash64 } from "../../std/hash/xx-hash64.ts";
import type { MemberId } from "./wire.ts";

/** The id of a member by its name, as it stands on the wire: the xxHash64 of its ASCII characters. */
export function idOf(name: string): MemberId {
  const bytes = Uint8Array.from(name, (char) => char.charCodeAt(0));
  const { hi, lo } = xxHash64(bytes);
  return { hi: hi >>> 0, lo: lo >>> 0 };
}
