import { describe, expect, test } from "bun:test";
import { maskSource } from "./mask-source.ts";

describe("the masked source", () => {
  test.each([
    ['const a = "b // c";', 'const a = "      ";'],
    ["const a = 'it\\'s';", "const a = '     ';"],
    ["a(); // b", "a();     "],
    ["a(); /* b\nc */ d();", "a();     \n     d();"],
    ["const a = `b ${c + `d`} e`;", "const a = `  ${c + ` `}  `;"],
    ["const a = `${{ b: 1 }.b}`;", "const a = `${{ b: 1 }.b}`;"],
    ["const a = /[/'\"]+/g;", "const a = /      /g;"],
    ["const a = b / c; // d", "const a = b / c;     "],
    ["return /a{/;", "return /  /;"],
  ])("%s", (text, code) => {
    const masked = maskSource(text);
    expect(masked.code).toBe(code);
    expect(masked.comments).toHaveLength(text.length);
  });

  test("keeps comments apart", () => {
    expect(maskSource('a("// b"); // c').comments.trim()).toBe("// c");
  });
});
