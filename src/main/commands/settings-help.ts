import { FAMILIES } from "../../kernel/families.ts";
import { flagName, variableOf } from "../../kernel/setting.ts";
import { allSettings, NODE_SETTINGS } from "../../kernel/settings.ts";
import { formatValue } from "../../kernel/value-types.ts";

/** The settings that most people need; docs/CONFIGURATION.md has all. */
const NEEDED: readonly string[] = [
  "port",
  "http_addr",
  "data_dir",
  "actors",
  "statestore",
  "statestore_keys",
  "auth",
  "acl",
  "tls_cert",
  "log_level",
];

const flagOf = (key: string): string => `--${flagName(variableOf({ key }))}`;

/** Every flag that names a setting, for the nearest name to one that does not. */
export function settingFlags(): readonly string[] {
  const named = [...allSettings(), ...FAMILIES].map((each) => `--${flagName(variableOf(each))}`);
  return ["--config", ...named];
}

/** The part of a help text that teaches configuration. */
export function settingsHelp(): string {
  const rows = NEEDED.map((key) => {
    const setting = Object.values(NODE_SETTINGS).find((each) => each.key === key);
    const family = FAMILIES.find((each) => each.key === key);
    const byDefault =
      setting === undefined
        ? (family?.byDefault ?? "")
        : setting.default === undefined
          ? ""
          : formatValue(setting.type, setting.default);
    const doc = setting?.doc ?? family?.doc ?? "";
    return `  ${flagOf(key).padEnd(20)}  ${plain(doc)}${byDefault === "" ? "" : ` [${byDefault}]`}\n`;
  });
  return `
Settings (each is also a variable, TROUPE_HTTP_ADDR, and a key of troupe.yaml, http_addr):
  ${"--config".padEnd(20)}  Configuration file; else troupe.yaml, .yml, .toml or .json here.
${rows.join("")}
All settings, limits and options of plug-ins: docs/CONFIGURATION.md, \`troupe config-schema\`, and
\`troupe check-config\` for those in force. Secrets come from files as well: --statestore-keys-file.
`;
}

function plain(doc: string): string {
  return doc.replaceAll("`", "");
}
