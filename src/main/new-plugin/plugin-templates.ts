import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContractId } from "../../contract/plugin.ts";
import acl from "./templates/acl/plugin.ts";
import activator from "./templates/activators/plugin.ts";
import authenticator from "./templates/authenticators/plugin.ts";
import balancer from "./templates/balancers/plugin.ts";
import discovery from "./templates/discovery/plugin.ts";
import partitionTolerance from "./templates/partition-tolerance/plugin.ts";
import placement from "./templates/placement/plugin.ts";
import statestore from "./templates/statestores/plugin.ts";

/**
 * A small working plug-in of each family, called `sample`: it is compiled and put through its suite
 * where it lies, so what is made from it works as it is made.
 */
interface Template {
  /** Folder below `plugins`. */
  readonly folder: string;
  readonly plugin: { readonly contract: ContractId };
  /** How the file of the component ends, and its class: `access-policy`. */
  readonly component: string;
}

const TEMPLATES: readonly Template[] = [
  { folder: "statestores", plugin: statestore, component: "statestore" },
  { folder: "placement", plugin: placement, component: "placement" },
  { folder: "partition-tolerance", plugin: partitionTolerance, component: "partition-tolerance" },
  { folder: "discovery", plugin: discovery, component: "discovery" },
  { folder: "balancers", plugin: balancer, component: "balancer" },
  { folder: "acl", plugin: acl, component: "access-policy" },
  { folder: "authenticators", plugin: authenticator, component: "authenticator" },
  { folder: "activators", plugin: activator, component: "activator" },
];

/** Files by their paths. */
export type PluginFiles = Readonly<Record<string, string>>;

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_NAME = 63;
const TYPE_IMPORT = /^import type \{([^}]*)\} from "[^"]*contract\/index\.ts";\n/gm;

function findTemplate(family: string): Template | undefined {
  return TEMPLATES.find(({ folder, plugin }) => {
    return folder === family || plugin.contract === `${family}@1`;
  });
}

/** What is wrong with the arguments, in a sentence, or the template. */
function templateFor(family: string, name: string): Template | string {
  const template = findTemplate(family);
  if (template === undefined) {
    const names = TEMPLATES.map(({ folder }) => folder).sort();
    return `no family "${family}"; there are: ${names.join(", ")}`;
  }
  const fits = NAME.test(name) && name.length <= LONGEST_NAME;
  return fits ? template : `"${name}" is no name; use lower-case words joined by "-"`;
}

function renamed(text: string, name: string): string {
  const pascal = name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const camel = pascal.charAt(0).toLowerCase() + pascal.slice(1);
  return text
    .replaceAll(/\bsample(?=[A-Z])/g, camel)
    .replaceAll(/\bSample(?=[A-Z])/g, pascal)
    .replaceAll(/\bsample\b/g, name);
}

function readTemplate({ folder }: Template, file: string): string {
  return readFileSync(join(import.meta.dirname, "templates", folder, file), "utf8");
}

/** Imports as they are written three folders below the root, instead of five. */
function moved(text: string): string {
  return text
    .replaceAll('"../../../../../test/', '"../../../test/')
    .replaceAll('"../../../../', '"../../../src/');
}

/**
 * The files of a new plug-in of this repository by their paths from its root, or a sentence that says
 * what is wrong with the arguments.
 */
export function pluginFiles(family: string, name: string): PluginFiles | string {
  const template = templateFor(family, name);
  if (typeof template === "string") return template;
  const { folder, component } = template;
  const files = ["plugin.ts", `sample-${component}.ts`, "sample.test.ts"];
  const made = files.map((file) => [
    `plugins/${folder}/${name}/${renamed(file, name)}`,
    renamed(moved(readTemplate(template, file)), name),
  ]);
  return Object.fromEntries(made) as PluginFiles;
}

/**
 * A plug-in outside of this repository: one file that imports types alone, so that the compiled
 * server loads it as it is. Answers as `pluginFiles` does.
 */
export function externalPluginFiles(family: string, name: string): PluginFiles | string {
  const template = templateFor(family, name);
  if (typeof template === "string") return template;
  const types = new Set<string>();
  const bodies = [`sample-${template.component}.ts`, "plugin.ts"].map((file) =>
    readTemplate(template, file)
      .replaceAll(TYPE_IMPORT, (_, names: string) => {
        for (const type of names.split(",")) if (type.trim() !== "") types.add(type.trim());
        return "";
      })
      .replaceAll(/^import .* from "\.\/sample-.*";\n/gm, "")
      .replaceAll(/^export (?=class|interface)/gm, "")
      .trim(),
  );
  // Imports of the runtime's own modules stay, and stay on top.
  const imports = bodies.flatMap((body) => body.match(/^import .*\n/gm) ?? []);
  const [component = "", plugin = ""] = bodies.map((body) =>
    body.replaceAll(/^import .*\n/gm, "").trim(),
  );
  const names = [...types].sort().map((type) => `  ${type},\n`);
  const text = `${imports.join("")}import type {\n${names.join("")}} from "troupe/plugin";\n\n${component}\n\n${plugin}\n`;
  return { [`${name}.ts`]: renamed(text, name) };
}
