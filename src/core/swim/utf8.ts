/** The bytes of a text; a lone half of a pair becomes the replacement character. */
export function encodeUtf8(text: string): number[] {
  const bytes: number[] = [];
  for (const char of text.toWellFormed()) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return bytes;
}

/** The text of bytes; `undefined` unless they are the one shortest form of it. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    let code = length === 1 ? first : first & (0x7f >> length);
    for (let i = 1; i < length; i += 1) code = (code << 6) | ((bytes[at + i] ?? 0) & 0x3f);
    if (code > 0x10ffff) return undefined;
    const char = String.fromCodePoint(code);
    // Whatever is overlong, cut off, a lone half or no UTF-8 at all is encoded otherwise.
    const encoded = encodeUtf8(char);
    if (encoded.some((byte, i) => byte !== bytes[at + i])) return undefined;
    text += char;
    at += encoded.length;
  }
  return text;
}

function tail(code: number): number {
  return 0x80 | (code & 0x3f);
}
