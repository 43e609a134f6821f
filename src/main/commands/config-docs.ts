import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT_IN, makeCatalogue, optionsOf, type CatalogueEntry } from "../../kernel/catalogue.ts";
import { FAMILIES, type Family } from "../../kernel/families.ts";
import { LIMIT_SETTINGS } from "../../kernel/limit-settings.ts";
import {
  environmentName,
  flagName,
  optionKey,
  type Setting,
  variableOf,
} from "../../kernel/setting.ts";
import { NODE_SETTINGS } from "../../kernel/settings.ts";
import { formatValue, type ValueSpec } from "../../kernel/value-types.ts";
import { builtins } from "../builtins.ts";

const INTRODUCTION = `# Configuration

This page is generated from the tables that the server checks configuration with; change those and run
\`npm run gen\`.

## Sources

Later ones win: defaults, then a file, then the environment, then flags.

* **File**: \`--config\` or \`TROUPE_CONFIG\`, else one of \`troupe.yaml\`, \`troupe.yml\`, \`troupe.toml\`, \`troupe.json\` in
  the working directory. \`--config -\` reads YAML from standard input. Repeated keys and YAML aliases are refused.
* **Environment**: \`TROUPE_\` and the key in capitals. Names that Kubernetes makes for a Service called troupe
  (\`TROUPE_*SERVICE_HOST\`, \`TROUPE_*PORT*\`) and \`TROUPE_TEST_*\` are passed over.
* **Flags**: the key with hyphens, \`--http-addr\`; options and limits as well, \`--limits-mailbox-calls\`.

A key, variable or flag that is not known is an error that names the nearest one. All problems are reported at once,
with exit code 78 (77 for permissions, 64 for flags): as text on a terminal, else as one line of JSON.
\`troupe check-config\` shows the effective configuration with the source of each value, \`troupe config-schema\` prints
a JSON Schema for editors.

## Values

| Type | Written as |
|---|---|
| boolean | \`true\`, \`false\`, \`1\`, \`0\`; a flag stands alone, or \`--flag=false\` |
| duration | a number with a unit, from \`1ms\` to \`24h\`: \`250ms\`, \`5s\`, \`10m\`, \`1.5h\` |
| size | bytes, or \`64KiB\`, \`4MiB\`, \`1GiB\` |
| address | \`host:port\`, \`[::1]:7700\`; port 0 takes any free one |
| list | a list in a file, elsewhere separated by commas |
| map | a map in a file, elsewhere \`name=value\` separated by commas |

Secrets and all options of plug-ins are also read from a file: \`<NAME>_FILE\`, \`<key>_file\`, \`--<flag>-file\`. The file
must not be empty; one line break at its end is not part of the value. Giving both forms in one source is an error.

## Beyond loopback

A listener that other machines can reach needs an authenticator and TLS, or the two switches that say that you know:
\`TROUPE_INSECURE_ALLOW_UNAUTHENTICATED\` and \`TROUPE_TLS_TERMINATED_UPSTREAM\`. It also needs an access policy that was
chosen (\`TROUPE_ACL\`) and a key for states (\`TROUPE_STATESTORE_KEYS_FILE\`). On loopback with an embedded statestore a
development key is made and kept in the data directory.
`;

const SPAWN = `## Names of eigr/Spawn

These variables are understood, and the log names ours: \`PROXY_DATABASE_TYPE\`, \`PROXY_DATABASE_NAME\`,
\`PROXY_DATABASE_USERNAME\`, \`PROXY_DATABASE_SECRET\`, \`PROXY_DATABASE_HOST\`, \`PROXY_DATABASE_PORT\`,
\`PROXY_DATABASE_POOL_SIZE\`, \`PROXY_DATABASE_QUEUE_TARGET\`, \`PROXY_DATABASE_SSL\`, \`PROXY_DATABASE_SSL_VERIFY\`,
\`SPAWN_STATESTORE_KEY\`, \`PROXY_HTTP_PORT\`, \`PROXY_CLUSTER_STRATEGY\`, \`SPAWN_PUBSUB_ADAPTER\`,
\`SPAWN_PROXY_LOGGER_LEVEL\`, \`SHUTDOWN_TIMEOUT_MS\`. With \`PROXY_DATABASE_TYPE\` missing parts take Spawn's defaults,
except that the user admin with the password admin is refused beyond loopback.
`;

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function range(spec: ValueSpec): string {
  if (spec.values !== undefined)
    return spec.values.map((value) => `\`${String(value)}\``).join(", ");
  // Of lists it is the number of items that is bounded.
  const type = spec.type === "list" ? "integer" : spec.type;
  const low = spec.min === undefined ? "" : formatValue(type, spec.min);
  const high = spec.max === undefined ? "" : formatValue(type, spec.max);
  if (low === "" && high === "") return spec.type;
  return high === "" ? `${spec.type} from ${low}` : `${spec.type} ${low}…${high}`;
}

function byDefault(spec: ValueSpec, required: boolean): string {
  if (spec.default === undefined) return required ? "must be given" : "";
  return code(formatValue(spec.type, spec.default));
}

function settingRow(setting: Setting<unknown>): string {
  const notes = `${setting.secret === true ? " Secret." : ""}${setting.reserved === true ? " Accepted, without effect in this release." : ""}`;
  const environment = variableOf(setting);
  return `| \`${setting.key}\` | \`${environment}\` | ${cell(range(setting))} | ${byDefault(setting, false)} | ${cell(setting.doc)}${notes} |\n`;
}

function table(settings: readonly Setting<unknown>[]): string {
  const rows = settings.map(settingRow).join("");
  return `| Key | Variable | Value | Default | Meaning |\n|---|---|---|---|---|\n${rows}`;
}

function pluginSection(family: Family, { plugin }: CatalogueEntry): string {
  const head = `#### ${plugin.name}\n\n${plugin.doc} (${plugin.stability})\n`;
  const options = optionsOf(plugin);
  if (options.length === 0) return head;
  const prefix = family.many ? `${family.optionPrefix}_<NAME>` : family.optionPrefix;
  const rows = options.map(([name, descriptor]) => {
    const key = optionKey(name);
    const secret = descriptor.secret === true ? " Secret." : "";
    return `| \`${key}\` | \`${prefix}_${key.toUpperCase()}\` | ${cell(range(descriptor))} | ${byDefault(descriptor, true)} | ${cell(descriptor.doc)}${secret} |\n`;
  });
  return `${head}\n| Option | Variable | Value | Default | Meaning |\n|---|---|---|---|---|\n${rows.join("")}`;
}

/** The family that has shown the plug-ins of this one already. */
function shownBefore({ contract, key }: Family): Family | undefined {
  const first = FAMILIES.find((each) => each.contract === contract);
  return first?.key === key ? undefined : first;
}

function familySection(family: Family, entries: readonly CatalogueEntry[]): string {
  const environment = environmentName(family.key);
  const own = entries.filter((entry) => entry.plugin.contract === family.contract);
  const choose = `Key \`${family.key}\`, variable \`${environment}\`, flag \`--${flagName(environment)}\``;
  const standard = family.byDefault === undefined ? "" : `, default \`${family.byDefault}\``;
  const several = family.many
    ? `In a file, \`${family.key}: {<name>: {plugin: …, <option>: …}}\`.\n`
    : `In a file with options, \`${family.key}: {plugin: …, <option>: …}\`.\n`;
  const before = shownBefore(family);
  const sections =
    before === undefined
      ? own.map((entry) => `\n${pluginSection(family, entry)}`).join("")
      : `The plug-ins and their options are those of \`${before.key}\`, with variables \`${family.optionPrefix}_<NAME>_<OPTION>\`.\n`;
  return `### \`${family.key}\`\n\n${family.doc}\n${choose}${standard}. ${several}${sections}`;
}

/** The whole of docs/CONFIGURATION.md. */
export function configurationMarkdown(): string {
  const entries = builtins.map((plugin) => ({ plugin, origin: BUILT_IN }));
  const { catalogue } = makeCatalogue(entries);
  const families = FAMILIES.map((family) => familySection(family, catalogue.entries)).join("\n");
  return [
    INTRODUCTION,
    `## The node\n\n${table(Object.values(NODE_SETTINGS))}`,
    `## Plug-ins\n\n${families.trimEnd()}\n`,
    `## Limits\n\n${table(Object.values(LIMIT_SETTINGS))}`,
    SPAWN,
  ].join("\n");
}

/** Writes docs/CONFIGURATION.md below `root`; answers its path. */
export function writeConfigurationMarkdown(root: string): string {
  const path = join(root, "docs", "CONFIGURATION.md");
  writeFileSync(path, configurationMarkdown());
  return path;
}

if (import.meta.main) {
  const path = writeConfigurationMarkdown(join(import.meta.dirname, "..", "..", ".."));
  process.stdout.write(`wrote ${path}\n`);
}
