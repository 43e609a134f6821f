import { exitCode, sourceText, type ConfigProblem, type ConfigWarning } from "./config-problem.ts";
import type { EffectiveValue } from "./read-settings.ts";
import { formatValue } from "./value-types.ts";

/** One line of `check-config`. Secrets are masked, and so are passwords within URLs. */
export interface DescribedValue {
  readonly key: string;
  readonly value: string;
  readonly source: string;
}

const MASK = "********";

/** Control characters of foreign text must not reach a terminal or break a line. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

function maskUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#]*@/i, `$1:${MASK}@`);
}

function shown({ slot, value }: EffectiveValue): string {
  const text = formatValue(slot.spec.type, value);
  if (slot.spec.secret === true) return text === "" ? "" : MASK;
  return printable(slot.spec.type === "url" ? maskUrl(text) : text);
}

/** The effective configuration with the source of each value, ordered by key. */
export function describeSettings(values: readonly EffectiveValue[]): readonly DescribedValue[] {
  return values
    .map((each) => ({
      key: each.key,
      value: shown(each),
      source: printable(sourceText(each.source)),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Variables that held a secret: they are taken out of the process's environment after the boot. */
export function secretVariables(values: readonly EffectiveValue[]): readonly string[] {
  return values.flatMap(({ slot, source }) =>
    source.kind === "environment" && (slot.spec.secret === true || slot.spec.type === "url")
      ? [source.name]
      : [],
  );
}

/** A described configuration as aligned text. */
export function formatDescription(lines: readonly DescribedValue[]): string {
  const keyWidth = Math.max(0, ...lines.map(({ key }) => key.length));
  const valueWidth = Math.min(40, Math.max(0, ...lines.map(({ value }) => value.length)));
  return lines
    .map(
      ({ key, value, source }) =>
        `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`,
    )
    .join("");
}

/** Warnings as text, one line each. */
export function formatWarnings(warnings: readonly ConfigWarning[]): string {
  return warnings
    .map(({ source, message }) => `warning: ${printable(`${sourceText(source)}: ${message}`)}\n`)
    .join("");
}

/** All problems for people. Colour only where `colour` is set, which is for terminals. */
export function formatProblems(problems: readonly ConfigProblem[], colour: boolean): string {
  const paint = (code: number, text: string): string =>
    colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  const lines = problems.map(({ source, reason, message, hint }) => {
    const place = source.kind === "default" ? "" : `${sourceText(source)}: `;
    const advice = hint === "" ? "" : `\n    ${printable(hint)}`;
    return `  ${printable(place + message)} ${paint(2, `[${reason}]`)}${advice}\n`;
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${paint(31, "error")}: the configuration has ${count}\n${lines.join("")}`;
}

/** All problems for machines: exactly one line of JSON. The first is repeated at the top. */
export function problemsLine(problems: readonly ConfigProblem[]): string {
  const listed = problems.map(({ key, source, reason, message, hint }) => ({
    key,
    source: sourceText(source),
    reason,
    message,
    hint,
  }));
  const exit = exitCode(problems);
  const leading = listed[problems.findIndex((each) => each.exit === exit)] ?? listed[0];
  const { key = "", source = "", reason = "", message = "", hint = "" } = leading ?? {};
  const line = {
    level: "fatal",
    event: "config",
    exit,
    key,
    source,
    reason,
    message,
    hint,
    problems: listed,
  };
  return `${JSON.stringify(line)}\n`;
}
