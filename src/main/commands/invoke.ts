import { type MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { InvokeRequestSchema, InvokeResponse } from "../../gen/troupe/v1/actor_pb.ts";
import type { Terminal } from "../cli/terminal.ts";
import { parseActor } from "./actor-path.ts";
import {
  type ConnectionOptions,
  namedValue,
  openConnection,
  wholeNumber,
  withConnection,
} from "./connection.ts";
import { payloadMember, readPayload, writePayload } from "./payload-text.ts";

interface InvokeOptions extends ConnectionOptions {
  readonly requestId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly expectedRevision?: number;
}

const EXAMPLES = `
Examples:
  troupe invoke counter/bar add 1
  troupe invoke shop/cart/42 order @order.json --request-id order-42
  echo '{"sku":"a"}' | troupe invoke cart/42 add - --json

The payload is JSON text, @file, or - for standard input. The reply goes to standard output as it
came. With --request-id a repeat gets the first answer and nothing runs twice.
`;

/** Adds `troupe invoke`. */
export function addInvoke(program: Command, terminal: Terminal): void {
  const command = program
    .command("invoke <actor> <action> [payload]")
    .description("call an action of an actor and print its reply")
    .addHelpText("after", EXAMPLES)
    .option("--request-id <id>", "makes a repeat harmless: the same id gets the first answer")
    .option("--metadata <name=value>", "handed to the action; may be repeated", namedValue)
    .option("--expected-revision <n>", "act on this revision only", wholeNumber);
  withConnection(command).action(
    (actor: string, action: string, payload: string | undefined, options: InvokeOptions) =>
      invoke(terminal, { actor, action, payload }, options),
  );
}

async function invoke(
  terminal: Terminal,
  given: { readonly actor: string; readonly action: string; readonly payload: string | undefined },
  options: InvokeOptions,
): Promise<void> {
  const { requestId = "", metadata = {}, expectedRevision } = options;
  const request: MessageInitShape<typeof InvokeRequestSchema> = {
    actor: parseActor(given.actor),
    action: given.action,
    payload: await readPayload(given.payload, terminal),
    requestId,
    metadata: { ...metadata },
    ...(expectedRevision !== undefined && { expectedRevision: BigInt(expectedRevision) }),
  };
  const { client, call, attempt } = openConnection(options, terminal);
  const answer = await attempt(() => client.invoke(request, call));
  if (options.json === true) return terminal.out.write(`${answerLine(answer)}\n`);
  writePayload(answer.payload, terminal.out);
  if (answer.replayed && terminal.err.interactive) {
    terminal.err.write(terminal.err.paint.dim("the recorded answer to an earlier call\n"));
  }
}

/** The whole answer as one JSON object; the reply's own text is kept. */
function answerLine(answer: InvokeResponse): string {
  const { payload, revision, replayed, notDurable, metadata } = answer;
  const rest = { revision: Number(revision), replayed, durable: !notDurable, metadata };
  return `{${payloadMember("reply", payload)},${JSON.stringify(rest).slice(1)}`;
}
