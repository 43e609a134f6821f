import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { isDeeplyNested } from "./deeply-nested.ts";
import type { PolicyProblem, PolicyReason } from "./policy-problem.ts";
import { anyActor, type PolicyRule } from "./policy-rule.ts";
import type { PolicyFile } from "./policy-source.ts";
import {
  type Parsed,
  POLICY_NAME,
  POLICY_NAME_RULE,
  parseCaller,
  parseChannel,
  parsePattern,
  parseTarget,
} from "./policy-text.ts";

/** A rule with the place of its name, for whoever compares files. */
export interface PlacedRule extends Pick<PolicyProblem, "file" | "line" | "column"> {
  readonly rule: PolicyRule;
}

/** What one file holds. `rolesUsed` are checked against `roles` of all files together. */
export interface PolicyDocument {
  readonly rules: readonly PlacedRule[];
  readonly roles: readonly string[];
  readonly problems: readonly PolicyProblem[];
}

const LISTS = ["callers", "targets", "types", "actions", "channels", "admin"] as const;
const POLICY_KEYS: readonly string[] = ["name", "effect", "type", ...LISTS];

type Fields = ReadonlyMap<string, { readonly key: unknown; readonly value: unknown }>;

/** Reads a YAML or JSON policy file: a map with `policies` (and `roles`), or one policy alone. */
export function parsePolicyDocument(file: PolicyFile): PolicyDocument {
  const reader = new PolicyDocumentReader(file);
  return reader.read();
}

/** Collects every problem of one file rather than the first. */
class PolicyDocumentReader {
  readonly #file: PolicyFile;
  readonly #lines = new LineCounter();
  readonly #problems: PolicyProblem[] = [];
  readonly #rules: PlacedRule[] = [];
  #roles: readonly string[] = [];

  constructor(file: PolicyFile) {
    this.#file = file;
  }

  read(): PolicyDocument {
    const root = this.#parse();
    if (root !== undefined) this.#readRoot(root);
    return { rules: this.#rules, roles: this.#roles, problems: this.#problems };
  }

  #parse(): Node | null | undefined {
    if (isDeeplyNested(this.#file.text)) {
      this.#problems.push(this.#at(undefined, "syntax", "nested too deeply"));
      return undefined;
    }
    let document: Document.Parsed;
    try {
      if (this.#file.path.toLowerCase().endsWith(".json")) JSON.parse(this.#file.text);
      document = parseDocument(this.#file.text, {
        lineCounter: this.#lines,
        prettyErrors: false,
        // Compares each key with each other one; the maps that are read are checked below.
        uniqueKeys: false,
      });
      visit(document, {
        Alias: (_key, node) => this.#refuse(node, "alias", "aliases are not part of policy files"),
      });
    } catch (error) {
      // JSON is stricter than YAML; whatever else the parser throws refuses the file as well.
      const detail = error instanceof SyntaxError ? error.message : "the text cannot be parsed";
      this.#problems.push(this.#at(undefined, "syntax", detail));
      return undefined;
    }
    for (const error of [...document.errors, ...document.warnings]) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      const message = error.message.split("\n")[0]?.toLowerCase() ?? "";
      this.#problems.push({ file: this.#file.path, line, column: col, reason: "syntax", message });
    }
    return this.#problems.length > 0 ? undefined : document.contents;
  }

  #readRoot(root: Node | null): void {
    const fields = this.#fields(root, "a policy file");
    if (fields === undefined) return;
    if (!fields.has("policies")) {
      this.#readPolicy(root);
      return;
    }
    this.#onlyKeys(fields, ["policies", "roles"]);
    const policies = fields.get("policies")?.value;
    if (!isSeq(policies)) this.#refuse(policies, "type", "policies is not a list");
    else for (const item of policies.items) this.#readPolicy(item);
    this.#roles = fields.has("roles")
      ? this.#list(fields, "roles", parsePattern).map((role) => role.text)
      : [];
  }

  #readPolicy(node: unknown): void {
    const fields = this.#fields(node, "a policy");
    if (fields === undefined) return;
    const before = this.#problems.length;
    this.#onlyKeys(fields, POLICY_KEYS);
    const name = this.#name(node, fields);
    const effect = this.#effect(node, fields);
    const callers = this.#list(fields, "callers", parseCaller);
    const targets = this.#list(fields, "targets", parseTarget);
    const types = this.#list(fields, "types", parsePattern);
    const actions = this.#list(fields, "actions", parsePattern);
    const channels = this.#list(fields, "channels", parseChannel);
    const admin = this.#list(fields, "admin", parsePattern);
    if (!fields.has("callers")) this.#refuse(node, "missing", "callers is missing");
    const onlyOther = fields.has("channels") || fields.has("admin");
    const aboutCalls = fields.has("targets") || fields.has("types") || !onlyOther;
    if (!fields.has("actions") && aboutCalls) this.#refuse(node, "missing", "actions is missing");
    if (this.#problems.length > before || effect === undefined) return;
    const rule: PolicyRule = {
      name,
      effect,
      callers,
      targets: targets.length > 0 ? targets : [anyActor()],
      types,
      actions,
      channels,
      admin,
    };
    const { file, line, column } = this.#at(node, "syntax", "");
    this.#rules.push({ rule, file, line, column });
  }

  #name(policy: unknown, fields: Fields): string {
    const node = fields.get("name")?.value;
    if (node === undefined) {
      this.#refuse(policy, "missing", "name is missing");
      return "";
    }
    const name = this.#text(node, "name") ?? "";
    if (name !== "" && !POLICY_NAME.test(name)) this.#refuse(node, "charset", POLICY_NAME_RULE);
    return name;
  }

  #effect(policy: unknown, fields: Fields): "allow" | "deny" | undefined {
    const effect = fields.get("effect");
    const node = (effect ?? fields.get("type"))?.value;
    if (node === undefined) this.#refuse(policy, "missing", "effect is missing");
    else if (effect !== undefined && fields.has("type")) {
      this.#refuse(node, "conflict", "effect and type say the same thing: give one");
    } else {
      const text = this.#text(node, "effect");
      if (text === "allow" || text === "deny") return text;
      if (text !== undefined)
        this.#refuse(node, "enum", `effect is neither allow nor deny: "${text}"`);
    }
    return undefined;
  }

  #list<T>(fields: Fields, key: string, parse: (text: string) => Parsed<T>): readonly T[] {
    const node = fields.get(key)?.value;
    if (node === undefined) return [];
    if (!isSeq(node)) {
      this.#refuse(node, "type", `${key} is not a list`);
      return [];
    }
    if (node.items.length === 0) this.#refuse(node, "empty_list", `${key} is empty`);
    return node.items.flatMap((item) => {
      const text = this.#text(item, `an item of ${key}`, true);
      if (text === undefined) return [];
      const parsed = parse(text);
      if (parsed.kind === "ok") return [parsed.value];
      this.#refuse(item, parsed.reason, `${key}: ${parsed.message}`);
      return [];
    });
  }

  #text(node: unknown, what: string, mayBeEmpty = false): string | undefined {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== "string") this.#refuse(node, "type", `${what} is not a string`);
    else if (value === "" && !mayBeEmpty) this.#refuse(node, "empty_item", `${what} is empty`);
    else return value;
    return undefined;
  }

  #fields(node: unknown, what: string): Fields | undefined {
    if (!isMap(node)) {
      this.#refuse(node, "type", `${what} is not a map`);
      return undefined;
    }
    const fields = new Map<string, { readonly key: unknown; readonly value: unknown }>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      if (fields.has(name)) this.#refuse(key, "duplicate", `"${name}" is given twice`);
      fields.set(name, { key, value: value ?? undefined });
    }
    return fields;
  }

  #onlyKeys(fields: Fields, known: readonly string[]): void {
    for (const [name, { key }] of fields) {
      if (known.includes(name)) continue;
      if (name === "include") this.#refuse(key, "include_path", "policy files include no others");
      else this.#refuse(key, "unknown_key", `"${name}" is not one of ${known.join(", ")}`);
    }
  }

  #refuse(node: unknown, reason: PolicyReason, message: string): void {
    this.#problems.push(this.#at(node, reason, message));
  }

  #at(node: unknown, reason: PolicyReason, message: string): PolicyProblem {
    const start = (node as Node | null | undefined)?.range?.[0];
    const place = start === undefined ? { line: 1, col: 1 } : this.#lines.linePos(start);
    return { file: this.#file.path, line: place.line, column: place.col, reason, message };
  }
}
