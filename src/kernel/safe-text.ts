/** Longest text that is kept of something a plug-in threw. */
const LONGEST_TEXT = 500;

/**
 * Says in one line what was thrown, whatever it is: `undefined`, text, an object that contains
 * itself, or one whose getters throw. Never throws. Control characters become `?`.
 */
export function safeText(thrown: unknown): string {
  let text: string;
  try {
    if (thrown instanceof Error) text = thrown.message || thrown.name;
    else if (typeof thrown === "string") text = thrown;
    else if (typeof thrown === "object" && thrown !== null)
      text = JSON.stringify(thrown) ?? "an object";
    else text = String(thrown);
  } catch {
    text = "something that cannot be shown";
  }
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, "?").trim();
  const shown = line === "" ? "nothing" : line;
  return shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)}…` : shown;
}
