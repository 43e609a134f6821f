import type { Settings } from "../../kernel/settings.ts";
import type { Logger } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { makeLogger } from "../../platform/logging/make-logger.ts";
import { systemRandom } from "../../platform/random.ts";
import { usageError } from "../cli/command-error.ts";
import type { Terminal } from "../cli/terminal.ts";
import { unleashChaos } from "../supervisor/chaos.ts";
import { memberFlags } from "../supervisor/members.ts";
import { ownCommand, supervise } from "../supervisor/supervise.ts";
import type { Flags } from "./load-settings.ts";

/** Members of one cluster that run as processes of this machine. */
export interface MembersOptions {
  readonly settings: Settings;
  /** As they were given; what makes one member another is put in their place. */
  readonly flags: Flags;
  /** Of this process before secrets were taken out of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Command and files, as after `troupe`. */
  readonly command: readonly string[];
  readonly count: number;
  /** All take calls on one client port. */
  readonly onePort: boolean;
  /** Kill and pause them at random. */
  readonly chaos: boolean;
  readonly json: boolean;
}

interface Ready {
  readonly event: "ready";
  readonly url: string;
}

/** Runs members under this process until a signal ends them. Resolves with the exit code. */
export function runMembers(terminal: Terminal, options: MembersOptions): Promise<number> {
  const { settings, chaos } = options;
  check(options);
  const log = makeLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    clock: systemClock,
    bytesPerSecond: settings.limits.logBytesPerSecond,
  });
  const members = memberFlags(
    settings,
    settings.nodeName ?? "node",
    options.count,
    options.onePort,
  );
  const urls = new Map<string, string>();
  return supervise({
    plans: members.map((own) => ({
      name: own["node-name"] ?? "",
      command: [
        ...ownCommand(),
        ...options.command,
        "--json",
        ...flagTexts(options, own, terminal),
      ],
      environment: options.environment,
    })),
    clock: systemClock,
    log,
    line: (name, stream, text) => {
      const ready = stream === "out" ? readyOf(text) : undefined;
      if (ready === undefined) {
        const to = stream === "out" ? terminal.out : terminal.err;
        return to.write(`${to.paint.dim(`${name} |`)} ${text}\n`);
      }
      const first = !urls.has(name);
      urls.set(name, ready.url);
      sayReady(terminal, options, name, ready);
      if (first && urls.size === options.count) greet(terminal, options, urls);
    },
    started: (processes) =>
      chaos ? unleashChaos(processes, systemClock, systemRandom, log as Logger) : () => undefined,
  });
}

function check({ settings, onePort }: MembersOptions): void {
  const store = settings.selections.find(({ contract }) => contract === "statestore@1");
  if (store?.plugin === "memory") {
    throw usageError("several members need a statestore that they share, and memory is none");
  }
  if (onePort && settings.httpAddr.port === 0) {
    throw usageError("several workers share one client port, so http_addr must name it");
  }
}

function flagTexts(
  { flags, settings }: MembersOptions,
  own: Flags,
  { err }: Terminal,
): readonly string[] {
  const { port: _port, ...given } = flags;
  // The processes write to this one; who reads in the end is known here alone.
  const format =
    settings.logFormat === "auto" ? { "log-format": err.interactive ? "text" : "json" } : {};
  return Object.entries({ ...given, ...format, ...own }).map(
    ([name, value]) => `--${name}=${value}`,
  );
}

function readyOf(text: string): Ready | undefined {
  if (!text.startsWith('{"event":"ready"')) return undefined;
  return JSON.parse(text) as Ready;
}

function sayReady({ out }: Terminal, { json }: MembersOptions, node: string, { url }: Ready): void {
  if (json) out.write(`${JSON.stringify({ event: "ready", node, url })}\n`);
  else out.write(`${out.paint.dim(`${node} |`)} ready at ${url}\n`);
}

/** Said once, when each of them takes calls. */
function greet(
  { out }: Terminal,
  { json, settings, onePort }: MembersOptions,
  urls: ReadonlyMap<string, string>,
): void {
  if (json) return;
  const [first = ""] = urls.values();
  const lines = onePort
    ? [`  ${out.paint.bold("Troupe")} is ready at ${out.paint.bold(first)}, ${urls.size} members`]
    : [
        `  ${out.paint.bold("Troupe")} is ready, ${urls.size} members`,
        ...[...urls].map(([node, url]) => `  ${node}  ${out.paint.bold(url)}`),
      ];
  out.write(`\n${lines.join("\n")}\n  data    ${settings.dataDir}\n\n`);
}
