import process from "node:process";
import { type BaseLogger, pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Clock, Logger } from "../../node/ports.ts";
import { LogOutput, type TextSink } from "./log-output.ts";
import { redact } from "./redact.ts";

export interface LoggerOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto`: text on a terminal, else JSON. */
  readonly format: "auto" | "json" | "text";
  readonly clock: Clock;
  /** Beyond this, lines are dropped and counted; 1 MB unless given. */
  readonly bytesPerSecond?: number;
  /** Standard error unless given. */
  readonly sink?: TextSink;
  /** Whether the sink is a terminal; found out unless given. */
  readonly terminal?: boolean;
}

/** The log of the process. */
export interface RootLogger extends Logger {
  /** Lines that were dropped because there were too many or nobody read them. */
  readonly dropped: number;
  setLevel(level: LoggerOptions["level"]): void;
  /** Resolves when everything has left the process. */
  flush(): Promise<void>;
}

function standardError(): TextSink {
  // A reader that is gone is no reason to end: without a listener the process would.
  process.stderr.on("error", () => undefined);
  return { write: (text, done) => void process.stderr.write(text, () => done()) };
}

/**
 * The logger of the process: one line per event with level, time and fields, JSON or for people.
 * Never throws and never waits; secrets in fields are masked.
 */
export function makeLogger(options: LoggerOptions): RootLogger {
  const { level, format, clock, sink = standardError() } = options;
  const terminal = options.terminal ?? process.stderr.isTTY === true;
  const asText = format === "text" || (format === "auto" && terminal);
  const shape = asText ? textShape(terminal) : (line: string): string => line;
  const time = (): string => new Date(clock.wallMs()).toISOString();
  const notice = (dropped: number): string =>
    shape(`${JSON.stringify({ level: "warn", time: time(), event: "log.dropped", dropped })}\n`);
  const output = new LogOutput(sink, clock, notice, options.bytesPerSecond);
  const root = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: () => `,"time":"${time()}"`,
      formatters: { level: (label) => ({ level: label }), log: redact, bindings: redact },
    },
    { write: (line: string) => output.write(shape(line)) },
  );
  return {
    ...loggerOver(root),
    get dropped() {
      return output.dropped;
    },
    setLevel: (next) => {
      root.level = next;
    },
    flush: () => output.flush(),
  };
}

type Pino = Pick<BaseLogger, "debug" | "info" | "warn" | "error"> & {
  child(fields: Record<string, unknown>): Pino;
};

function loggerOver(target: Pino): Logger {
  return {
    debug: (event, fields) => target.debug(fields ?? {}, event),
    info: (event, fields) => target.info(fields ?? {}, event),
    warn: (event, fields) => target.warn(fields ?? {}, event),
    error: (event, fields) => target.error(fields ?? {}, event),
    child: (fields) => loggerOver(target.child(redact(fields))),
  };
}

function textShape(colour: boolean): (line: string) => string {
  const pretty = prettyFactory({
    colorize: colour,
    messageKey: "event",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
  return (line) => pretty(line) ?? "";
}
