import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { CertificateAuthority } from "../../../test/support/certificates.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { madeInvocation } from "../../../test/support/made-call.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { isServerError, ServerError } from "../../domain/error.ts";
import {
  type CallSignal,
  EMPTY_MAP,
  type Invocation,
  NEVER,
  type Reply,
} from "../../domain/invocation.ts";
import type { PeerCallee, PeerIdentity } from "../../node/peers.ts";
import type { Logger, TlsMaterial } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { frameSockets } from "../../platform/peer/frame-sockets.ts";
import { systemRandom } from "../../platform/random.ts";
import { PeerLinks } from "./peer-links.ts";
import { DEFAULT_PEER_LIMITS, type PeerLimits } from "./peer-limits.ts";

const silent = (): void => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const reply: Reply = {
  payload: { type: "application/json", data: new TextEncoder().encode("1") },
  revision: 7,
  durable: true,
  replayed: false,
  metadata: EMPTY_MAP,
};

interface Member {
  readonly links: PeerLinks;
  readonly name: string;
  readonly address: string;
  readonly refused: string[];
  readonly calls: Invocation[];
}

interface MemberOptions {
  readonly identity?: Partial<PeerIdentity>;
  readonly limits?: Partial<PeerLimits>;
  readonly tls?: TlsMaterial;
  readonly invoke?: PeerCallee["invoke"];
  readonly port?: number;
}

async function member(name: string, options: MemberOptions = {}): Promise<Member> {
  const { identity = {}, limits = {}, tls, invoke, port = 0 } = options;
  const refused: string[] = [];
  const calls: Invocation[] = [];
  let address = "";
  const links = new PeerLinks({
    self: () => ({
      cluster: "c",
      node: name,
      bootId: `${name}-boot`,
      generation: 1,
      strategies: "s",
      version: "1",
      address,
      ...identity,
    }),
    sockets: frameSockets,
    clock: systemClock,
    random: systemRandom,
    log,
    limits: { ...DEFAULT_PEER_LIMITS, backOffMs: 10, maxBackOffMs: 50, ...limits },
    tls: () => tls,
    callee: {
      invoke: (call, signal, epochSeen) => {
        calls.push(call);
        return invoke?.(call, signal, epochSeen) ?? Promise.resolve(reply);
      },
    },
    admit: () => undefined,
    otherwise: () => false,
    refused: (reason) => void refused.push(reason),
  });
  address = `127.0.0.1:${await links.listen("127.0.0.1", port)}`;
  return { links, name, address, refused, calls };
}

const call = (over: Partial<Invocation> = {}): Invocation => ({
  ...madeInvocation(),
  deadlineMs: systemClock.now() + 10_000,
  ...over,
});

async function linked(from: Member, to: Member): Promise<void> {
  from.links.setMembers([{ node: to.name, address: to.address }]);
  await waitUntil("they are linked", () => from.links.isLinked(to.name));
}

async function withTwo(
  body: (a: Member, b: Member) => Promise<void>,
  [left, right]: readonly [MemberOptions?, MemberOptions?] = [],
): Promise<void> {
  const a = await member("a", left);
  const b = await member("b", right);
  try {
    await body(a, b);
  } finally {
    await a.links.close();
    await b.links.close();
  }
}

async function errorOf(promise: Promise<unknown>): Promise<ServerError> {
  try {
    await promise;
  } catch (error) {
    if (isServerError(error)) return error;
    throw error;
  }
  throw new Error("resolved instead of rejecting");
}

describe("links between members", () => {
  test("calls, errors and messages pass, many at a time", () =>
    withTwo(
      async (a, b) => {
        await linked(a, b);
        const some = Array.from({ length: 2_000 }, (_, i) =>
          a.links.invoke("b", call({ requestId: String(i) }), NEVER, 3),
        );
        const answers = await Promise.allSettled(some);
        expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1_000);
        expect(b.calls.map(({ requestId }) => Number(requestId))).toEqual(
          Array.from({ length: 2_000 }, (_, i) => i),
        );
        const heard: string[] = [];
        b.links.onMessage("topic", (from, body) => heard.push(`${from}:${body.length}`));
        expect(a.links.cast("b", "control", "topic", new Uint8Array(70_000))).toBe(
          await waitUntil("control is linked", () =>
            a.links.cast("b", "control", "topic", new Uint8Array(1)),
          ),
        );
        await waitUntil("the messages arrive", () => heard.length === 2);
        expect(heard).toEqual(["a:70000", "a:1"]);
      },
      [
        {},
        {
          invoke: (one) =>
            Number(one.requestId) % 2 === 0
              ? Promise.resolve(reply)
              : Promise.reject(new ServerError("state.conflict", "no", "not_applied")),
        },
      ],
    ));

  test("a member that is lost leaves the outcome of what was sent unknown, and comes back", async () => {
    let begun = 0;
    const hang = (): Promise<Reply> => {
      begun += 1;
      return new Promise(() => undefined);
    };
    const port = await freePort();
    const a = await member("a");
    const b = await member("b", { invoke: hang, port });
    await linked(a, b);
    const error = errorOf(a.links.invoke("b", call(), NEVER, 0));
    await waitUntil("the call has arrived", () => begun === 1);
    await b.links.close();
    expect(await error).toMatchObject({ code: "routing.unreachable", outcome: "unknown" });
    await waitUntil("the link is gone", () => !a.links.isLinked("b"));
    const refusal = await errorOf(a.links.invoke("b", call(), NEVER, 0));
    expect(refusal).toMatchObject({ code: "routing.unreachable", outcome: "not_started" });
    const again = await member("b", { port });
    expect(
      await waitUntil("the call goes through", () =>
        a.links.invoke("b", call(), NEVER, 0).catch(() => undefined),
      ),
    ).toMatchObject({ revision: 7 });
    await a.links.close();
    await again.links.close();
  });

  test("a caller that goes away reaches the member", () => {
    let seen: CallSignal | undefined;
    return withTwo(
      async (a, b) => {
        await linked(a, b);
        const caller = new AbortController();
        const pending = errorOf(a.links.invoke("b", call(), caller.signal, 0));
        const signal = await waitUntil("the call has arrived", () => seen);
        caller.abort();
        await waitUntil("the signal has fired", () => signal.aborted);
        await b.links.close();
        expect(await pending).toMatchObject({ outcome: "unknown" });
      },
      [
        {},
        {
          invoke: (_call, signal) => {
            seen = signal;
            return new Promise(() => undefined);
          },
        },
      ],
    );
  });

  test("a call that nobody answers ends at its deadline with an unknown outcome", () =>
    withTwo(
      async (a, b) => {
        await linked(a, b);
        const late = call({ deadlineMs: systemClock.now() + 20 });
        expect(await errorOf(a.links.invoke("b", late, NEVER, 0))).toMatchObject({
          code: "call.deadline",
          outcome: "unknown",
        });
      },
      [{}, { invoke: () => new Promise(() => undefined) }],
    ));

  test("an other end that says nothing is taken for dead", async () => {
    const server = createServer((socket) => {
      // Takes the hello, welcomes once, and then never says anything again.
      socket.once("data", () => socket.write(WELCOME));
    });
    const port = await freePort();
    server.listen(port, "127.0.0.1");
    const a = await member("a", { limits: { quietMs: 50, silentMs: 200 } });
    a.links.setMembers([{ node: "mute", address: `127.0.0.1:${port}` }]);
    await waitUntil("they are linked", () => a.links.isLinked("mute"));
    const error = await errorOf(a.links.invoke("mute", call(), NEVER, 0));
    expect([error.code, error.outcome]).toEqual(["routing.unreachable", "unknown"]);
    expect(error.message).toContain("silent");
    await a.links.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each([
    ["OTHER_CLUSTER", { cluster: "other" }],
    ["OTHER_STRATEGIES", { strategies: "other" }],
    ["NAME_CONFLICT", { node: "b", bootId: "twin" }],
  ])("a dialler is refused: %s", (reason, identity) =>
    withTwo(
      async (a, b) => {
        a.links.setMembers([{ node: "b", address: b.address }]);
        await waitUntil("it is refused", () => b.refused.includes(reason));
        expect(a.links.isLinked("b")).toBe(false);
      },
      [{ identity }],
    ),
  );

  test.each([
    ["text", "GET / HTTP/1.1\r\n\r\n"],
    ["a huge frame", Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ["a frame that is no handshake", Buffer.from([0, 0, 0, 2, 0xff, 0xff])],
    ["a frame without hello", Buffer.from([0, 0, 0, 2, 0x40, 1])],
  ])("a stranger with %s is put out, and members are unharmed", (_name, said) =>
    withTwo(async (a, b) => {
      await linked(a, b);
      const port = Number(b.address.split(":")[1]);
      await new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.write(said));
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.resume();
      });
      expect(await a.links.invoke("b", call(), NEVER, 0)).toMatchObject({ revision: 7 });
    }),
  );

  test("a stranger that says nothing is put out", () =>
    withTwo(
      async (_a, b) => {
        const port = Number(b.address.split(":")[1]);
        await new Promise<void>((resolve) => {
          const socket = connect(port, "127.0.0.1");
          socket.on("close", () => resolve());
          socket.resume();
        });
        expect(b.refused).toEqual(["HANDSHAKE"]);
      },
      [{}, { limits: { handshakeTimeoutMs: 50 } }],
    ));

  test("with certificates both ends are verified", async () => {
    using folder = tempDir();
    const ours = new CertificateAuthority(folder.path, "ours");
    const theirs = new CertificateAuthority(folder.path, "theirs");
    const material = (authority: CertificateAuthority, name: string): TlsMaterial => {
      const { cert, key } = authority.issue(name, "IP:127.0.0.1");
      const read = (path: string): string => readFileSync(path, "utf8");
      return {
        cert: read(cert),
        key: read(key),
        ca: read(ours.pair.cert),
        clientCertificate: "required",
      };
    };
    const a = await member("a", { tls: material(ours, "a") });
    const b = await member("b", { tls: material(ours, "b") });
    const stranger = await member("x", { tls: material(theirs, "x") });
    await linked(a, b);
    expect(await a.links.invoke("b", call(), NEVER, 0)).toMatchObject({ revision: 7 });
    stranger.links.setMembers([{ node: "b", address: b.address }]);
    a.links.setMembers([
      { node: "b", address: b.address },
      { node: "x", address: stranger.address },
    ]);
    expect(await errorOf(stranger.links.invoke("b", call(), NEVER, 0))).toMatchObject({
      outcome: "not_started",
    });
    expect(await errorOf(a.links.invoke("x", call(), NEVER, 0))).toMatchObject({
      outcome: "not_started",
    });
    expect(b.calls).toHaveLength(1);
    for (const one of [a, b, stranger]) await one.links.close();
  });
});

/** A frame with the welcome of a member called mute. */
const WELCOME = Buffer.from([0, 0, 0, 10, 0x12, 8, 8, 1, 0x12, 4, 109, 117, 116, 101]);
