import type { Command } from "commander";
import { type GetOwnerResponse, type Member, NodeStatus } from "../../gen/troupe/v1/cluster_pb.ts";
import { systemClock } from "../../platform/clock.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { actorText, parseActor } from "./actor-path.ts";
import { type ConnectionOptions, openAdminConnection, withAdminConnection } from "./connection.ts";

interface MembersOptions extends ConnectionOptions {
  readonly watch?: boolean;
}

const WATCH_MS = 1_000;
const MEMBERS_HELP = `
Examples:
  troupe cluster members                     as the node on this machine sees them
  troupe cluster members --watch             printed again whenever they change
  troupe cluster members --url http://10.0.0.7:7701 --json
`;
const OWNER_HELP = `
Examples:
  troupe cluster owner counter/bar           where the actor belongs, and why not elsewhere

Members are asked for the actor in this order. The statestore decides who has it.
`;

/** Adds `troupe cluster members` and `troupe cluster owner`. */
export function addCluster(program: Command, terminal: Terminal): void {
  const cluster = program.command("cluster").description("see members, and where actors belong");
  withAdminConnection(cluster.command("members"))
    .description("the members of the cluster, as one of them sees them")
    .addHelpText("after", MEMBERS_HELP)
    .option("--watch", "print them whenever they change, until interrupted")
    .action((options: MembersOptions) => members(terminal, options));
  withAdminConnection(cluster.command("owner <actor>"))
    .description("which member an actor belongs to, and why")
    .addHelpText("after", OWNER_HELP)
    .action((actor: string, options: ConnectionOptions) => owner(terminal, actor, options));
}

async function members(terminal: Terminal, options: MembersOptions): Promise<void> {
  const { client, call, attempt } = openAdminConnection(options, terminal);
  let last = "";
  for (;;) {
    const { members: found } = await attempt(() => client.listMembers({}, call));
    const text = options.json === true ? jsonText(found) : tableText(found);
    if (text !== last) terminal.out.write(text);
    last = text;
    if (options.watch !== true || terminal.out.closed) return;
    await new Promise<void>((resolve) => systemClock.setTimer(WATCH_MS, resolve));
  }
}

function jsonText(found: readonly Member[]): string {
  const rows = found.map(({ node, address, state, status, session, linked, types }) => ({
    node,
    address,
    state,
    draining: status === NodeStatus.DRAINING,
    session: Number(session),
    linked,
    types,
  }));
  return `${JSON.stringify({ members: rows })}\n`;
}

function tableText(found: readonly Member[]): string {
  const header = ["NODE", "STATE", "ADDRESS", "SESSION", "LINKED", "TYPES"];
  const rows = found.map(({ node, address, state, status, session, linked, types }) => [
    printable(node),
    status === NodeStatus.DRAINING ? "draining" : state === "" ? "up" : state,
    printable(address),
    String(session),
    linked ? "yes" : "no",
    String(types),
  ]);
  return new Table(header)
    .lines(rows)
    .map((line) => `${line}\n`)
    .join("");
}

async function owner(terminal: Terminal, text: string, options: ConnectionOptions): Promise<void> {
  const actor = parseActor(text);
  const { client, call, attempt } = openAdminConnection(options, terminal);
  const found = await attempt(() => client.getOwner({ actor }, call));
  terminal.out.write(
    options.json === true
      ? `${JSON.stringify(jsonOf(found))}\n`
      : ownerText(actorText(actor), found),
  );
}

function jsonOf({ placed, active, epoch, revision, candidates, passedOver }: GetOwnerResponse) {
  return {
    placed,
    active,
    epoch: Number(epoch),
    revision: Number(revision),
    candidates,
    passed_over: passedOver.map(({ node, why }) => ({ node, why })),
  };
}

function ownerText(actor: string, found: GetOwnerResponse): string {
  const { placed, active, candidates, passedOver, epoch, revision } = found;
  const lines = [
    placed === "" ? `no member may own ${actor} now` : `${actor} belongs to ${printable(placed)}`,
    ...(active === "" ? [] : [`  active   on ${printable(active)}`]),
    `  stored   epoch ${epoch}, revision ${revision}`,
    ...candidates.slice(1).map((node) => `  next     ${printable(node)}`),
    ...passedOver.map(({ node, why }) => `  not      ${printable(node)}, which ${printable(why)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
