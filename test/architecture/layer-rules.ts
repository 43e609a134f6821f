import {
  isTest,
  layerOf,
  resolveReference,
  type SourceFile,
  type Violation,
} from "./source-file.ts";

/** What a layer may see. `files` are single files of other layers; a package ending in `*` is a prefix. */
interface Layer {
  readonly layers: readonly string[];
  readonly files?: readonly string[];
  readonly packages: readonly string[];
}

const CONNECT = ["@connectrpc/*", "@bufbuild/*"] as const;

/** The table of docs/ARCHITECTURE.md. Whoever is not named may not be imported. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  std: { layers: [], packages: [] },
  domain: { layers: ["std"], packages: [] },
  contract: { layers: ["domain"], packages: [] },
  core: { layers: ["std", "domain", "contract"], packages: [] },
  kernel: { layers: ["std", "domain", "contract"], packages: ["smol-toml", "yaml", "zod"] },
  node: {
    layers: ["std", "domain", "contract", "core"],
    packages: ["@opentelemetry/api", "croner"],
  },
  gen: { layers: [], packages: ["@bufbuild/*"] },
  edge: {
    layers: ["std", "domain", "contract", "node", "gen"],
    packages: [...CONNECT, "hono", "hono/*"],
  },
  platform: {
    layers: ["std", "domain", "contract", "sdk"],
    files: ["src/node/ports.ts", "src/node/host-port.ts", "src/node/sealer.ts"],
    packages: ["bun", "bun:*", "node:*", "pino", "pino-pretty", "ws"],
  },
  plugins: { layers: ["contract", "std"], packages: ["bun", "bun:*", "node:*"] },
  sdk: { layers: ["std", "domain", "contract", "gen"], packages: [...CONNECT, "node:*", "ws"] },
  main: {
    layers: [
      "std",
      "domain",
      "contract",
      "core",
      "kernel",
      "node",
      "edge",
      "platform",
      "plugins",
      "gen",
      "sdk",
    ],
    packages: ["commander", "@clack/*", "@opentelemetry/*", ...CONNECT, "node:*"],
  },
  examples: { layers: ["sdk"], packages: ["troupe/*", "node:*"] },
};

/** Driver libraries by plug-in folder; nobody else imports them. */
export const PLUGIN_DRIVERS: Readonly<Record<string, readonly string[]>> = {
  "acl/policy-files": ["yaml"],
  "statestores/cockroachdb": ["postgres"],
  "statestores/mssql": ["tedious", "tedious/*"],
  "statestores/mysql": ["mysql2", "mysql2/*"],
  "statestores/postgres": ["postgres"],
};

const PURE: ReadonlySet<string> = new Set(["std", "domain", "contract", "core"]);

const pluginFolder = (path: string): string => path.split("/").slice(1, 3).join("/");
const pluginFamily = (path: string): string | undefined => path.split("/")[1];

function matches(name: string, allowed: readonly string[]): boolean {
  return allowed.some((one) =>
    one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one,
  );
}

/** Why the layer may not use the package, or `undefined` if it may. */
function packageRefusal(own: string, layer: Layer, path: string, name: string): string | undefined {
  const drivers = own === "plugins" ? (PLUGIN_DRIVERS[pluginFolder(path)] ?? []) : [];
  const allowed = [...layer.packages, ...drivers];
  if (matches(name, allowed)) return undefined;
  return `${own} may not use "${name}"; it may use: ${allowed.join(", ") || "no package"}`;
}

/** Why the layer may not import the file, or `undefined` if it may. */
function fileRefusal(own: string, layer: Layer, path: string, target: string): string | undefined {
  const other = layerOf(target);
  if (own === "plugins" && other === own && pluginFamily(target) !== pluginFamily(path)) {
    return `a plug-in may not import another family (${target}); share through the contract`;
  }
  if (other === own || layer.files?.includes(target) === true) return undefined;
  if (other !== undefined && layer.layers.includes(other)) return undefined;
  const allowed = [...layer.layers, ...(layer.files ?? [])];
  return `${own} may not import ${target}; it may import: ${allowed.join(", ") || "nothing"}`;
}

/** Imports that cross the house the wrong way, and packages in a layer that has no use for them. */
export function checkLayers(file: SourceFile): Violation[] {
  const { path } = file;
  const own = layerOf(path);
  if (own === undefined) return [];
  const layer = LAYERS[own];
  if (layer === undefined) {
    const message = `"${own}" is no layer; there are: ${Object.keys(LAYERS).join(", ")}`;
    return [{ path, line: 1, message }];
  }
  if (isTest(path)) return checkTestOfPureLayer(file, own);
  return file.references.flatMap(({ specifier, line, kind }) => {
    const target = resolveReference(path, specifier);
    const isContractValue = kind === "value" && target?.startsWith("src/contract/") === true;
    if (own === "plugins" && isContractValue) {
      return [{ path, line, message: "a plug-in sees types of the contract; write `import type`" }];
    }
    const message =
      target === undefined
        ? packageRefusal(own, layer, path, specifier)
        : fileRefusal(own, layer, path, target);
    return message === undefined ? [] : [{ path, line, message }];
  });
}

/** Tests may use anything, but a pure layer is tested without the world too. */
function checkTestOfPureLayer(file: SourceFile, own: string): Violation[] {
  if (!PURE.has(own)) return [];
  return file.references.flatMap(({ specifier, line }) => {
    const target = resolveReference(file.path, specifier);
    const impure =
      target === undefined
        ? /^(?:node:|bun$)/.test(specifier)
        : !/^(?:src\/(?:std|domain|contract|core)|test)\//.test(target);
    const message = `a test of ${own} may not need ${target ?? specifier}; give it data, or move it to test/`;
    return impure ? [{ path: file.path, line, message }] : [];
  });
}

/** The contract is types: a plug-in outside the binary has nothing else of ours. */
export function checkContractIsTypes(file: SourceFile): Violation[] {
  if (!file.path.startsWith("src/contract/") || isTest(file.path)) return [];
  const lines = file.code.split("\n");
  return lines.flatMap((text, index) =>
    /^(?:export\s+)?(?:const|let|var|(?:async\s+)?function|(?:abstract\s+)?class)\b/.test(text)
      ? [
          {
            path: file.path,
            line: index + 1,
            message: "the contract holds types alone; values live in std or domain",
          },
        ]
      : [],
  );
}

/** Cycles of value imports, each named once by its files. */
export function findCycles(files: readonly SourceFile[]): Violation[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      file.references
        .filter(({ kind }) => kind === "value")
        .map(({ specifier }) => resolveReference(file.path, specifier))
        .filter((target) => target !== undefined),
    ]),
  );
  const done = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(" → ");
      found.push({
        path,
        line: 1,
        message: `a cycle of value imports: ${cycle}; move what both need down`,
      });
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}
