import { readFileSync, writeFileSync } from "node:fs";

/** One command and what is expected of it. */
interface Block {
  /** Comments and blank lines before the command, kept as they are. */
  readonly before: readonly string[];
  readonly command: string;
  readonly expected: readonly string[];
}

const RULE = "----";

/*
 * The form of etcd's data-driven tests: a command line, `----`, the lines it must print, an empty
 * line. Lines that begin with `#` are comments.
 */
function parse(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let before: string[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    if (line === "" || line.startsWith("#")) {
      before.push(line);
      continue;
    }
    const expected: string[] = [];
    if (lines[i + 1] === RULE) {
      for (i += 2; (lines[i] ?? "") !== ""; i += 1) expected.push(lines[i] ?? "");
    }
    blocks.push({ before, command: line, expected });
    before = [];
  }
  return blocks;
}

function format(blocks: readonly Block[]): string {
  const text = blocks.map(({ before, command, expected }) => {
    const comments = before.filter((line) => line !== "").map((line) => `${line}\n`);
    return `${comments.join("")}${command}\n${[RULE, ...expected].join("\n")}\n`;
  });
  return text.join("\n");
}

/**
 * Runs the commands of a scenario file. Answers the file as it stands and as it would have to be;
 * with `UPDATE=1` it is written so, to be reviewed as a difference.
 */
export function runScenario(
  path: string,
  perform: (command: string) => readonly string[],
): { readonly expected: string; readonly actual: string } {
  const expected = parse(readFileSync(path, "utf8"));
  const actual = expected.map((block) => {
    const printed = perform(block.command);
    return { ...block, expected: printed.length === 0 ? ["nothing"] : printed };
  });
  if (process.env["UPDATE"] === "1") writeFileSync(path, format(actual));
  const wanted = process.env["UPDATE"] === "1" ? actual : expected;
  return { expected: format(wanted), actual: format(actual) };
}
