import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Lays out the folder of a new built-in plug-in, with the suite of its family already called:
 *
 *   bun run new-plugin <family> <name>
 */

const ROOT = join(import.meta.dirname, "..", "..");
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** The folder of a family, the name of its contract and the interface that components implement. */
const FAMILIES: Readonly<
  Record<string, { readonly contract: string; readonly component: string }>
> = {
  acl: { contract: "acl", component: "AccessPolicy" },
  activators: { contract: "activator", component: "Activator" },
  authenticators: { contract: "authenticator", component: "Authenticator" },
  balancers: { contract: "balancer", component: "Balancer" },
  "partition-tolerance": { contract: "partition-tolerance", component: "PartitionTolerance" },
  placement: { contract: "placement", component: "Placement" },
  statestores: { contract: "statestore", component: "Statestore" },
};

const toPascal = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const toKebab = (name: string): string =>
  name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, "-$&").toLowerCase();

/**
 * The files of a new plug-in by their paths from the root of the repository, or a sentence that says
 * what is wrong with the arguments. The compiler then asks for the members of the interface.
 */
export function pluginFiles(
  family: string,
  name: string,
): Readonly<Record<string, string>> | string {
  const known = Object.hasOwn(FAMILIES, family) ? FAMILIES[family] : undefined;
  if (known === undefined) {
    return `no family "${family}"; there are: ${Object.keys(FAMILIES).join(", ")}`;
  }
  if (!NAME.test(name)) return `"${name}" is no name; use lower-case words joined by "-"`;
  const { contract, component } = known;
  const pascal = toPascal(contract);
  const suite = `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}Suite`;
  const made = `${toPascal(name)}${component}`;
  const file = `${name}-${toKebab(component)}.ts`;
  const folder = `plugins/${family}/${name}`;
  return {
    [`${folder}/plugin.ts`]: `import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { ${made} } from "./${file}";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "${contract}@1",
  name: "${name}",
  stability: "experimental",
  doc: "",
  options,
  create: (_config, host) => new ${made}(host),
} satisfies Plugin<"${contract}@1", Config>;
`,
    [`${folder}/${file}`]: `import type { ${component}, ${component}Host } from "../../../src/contract/index.ts";

/** What it promises, in one sentence. */
export class ${made} implements ${component} {
  readonly #host: ${component}Host;

  constructor(host: ${component}Host) {
    this.#host = host;
  }
}
`,
    [`${folder}/${name}.test.ts`]: `import { ${suite} } from "../../../test/conformance/${contract}.suite.ts";
import plugin from "./plugin.ts";

${suite}({ name: plugin.name, create: (host) => plugin.create({}, host) });
`,
  };
}

function main(family: string | undefined, name: string | undefined): number {
  if (family === undefined || name === undefined) {
    process.stderr.write("usage: bun run new-plugin <family> <name>\n");
    return 64;
  }
  const files = pluginFiles(family, name);
  const taken = existsSync(join(ROOT, "plugins", family, name));
  if (typeof files === "string" || taken) {
    process.stderr.write(`${typeof files === "string" ? files : `${family}/${name} exists`}\n`);
    return typeof files === "string" ? 64 : 73;
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(ROOT, dirname(path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
  process.stdout.write("next: list it in src/main/builtins.ts, then run: bun run check\n");
  return 0;
}

if (import.meta.main) process.exit(main(process.argv[2], process.argv[3]));
