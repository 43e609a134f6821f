import { isServerError } from "../../domain/error.ts";
import { problem, type ConfigReason } from "../../kernel/config-problem.ts";
import type { CrossCheck } from "../../kernel/cross-checks.ts";
import { systemClock } from "../../platform/clock.ts";
import { parseKeyring } from "../../platform/envelope-keyring.ts";
import { readTlsFiles } from "./tls-files.ts";

const checkTls: CrossCheck = ({ settings, sourceOf, found }) => {
  const read = readTlsFiles(settings, systemClock.wallMs());
  if (read.kind !== "fault") return;
  const { key, reason, message } = read.fault;
  found.problems.push(problem(key, sourceOf(key), reason, message));
};

/** What the reader of keys says, in the words of configuration. */
const KEY_REASONS: Readonly<Record<string, ConfigReason>> = {
  state_key_missing: "state_key_missing",
  state_key_length: "state_key_length",
  key_id_conflict: "key_id_conflict",
  state_key_encoding: "charset",
  key_id_invalid: "charset",
};

const checkStateKeys: CrossCheck = ({ settings, sourceOf, found }) => {
  const { statestoreKeys: text, encryption } = settings;
  if (text === undefined || text.trim() === "" || encryption === "off") return;
  try {
    parseKeyring(text);
  } catch (error) {
    if (!isServerError(error)) throw error;
    const key = "statestore_keys";
    const reason = KEY_REASONS[error.details.reason ?? ""] ?? "type";
    const hint = "make a key with: troupe keys generate";
    found.problems.push(problem(key, sourceOf(key), reason, error.message, hint));
  }
};

/** Checks of configuration that look into files and keys. */
export const CONFIG_CHECKS: readonly CrossCheck[] = [checkTls, checkStateKeys];
