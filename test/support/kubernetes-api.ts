import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { CertificateAuthority } from "./certificates.ts";

/** An endpoint as EndpointSlices have it. */
export interface SliceEndpoint {
  readonly address: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

/** An answer that is given in place of the list. */
export interface OtherAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An HTTPS server that plays the part of Kubernetes' API server which lists EndpointSlices, with the
 * answers in the form of `discovery.k8s.io/v1`.
 */
export class KubernetesApi {
  readonly #server: Server;
  readonly #folder: string;
  readonly #waiting = new Set<ServerResponse>();
  /** One slice per entry; a page holds one. */
  slices: readonly (readonly SliceEndpoint[])[] = [];
  port: { readonly name: string; readonly port: number } | undefined = { name: "peer", port: 7702 };
  /** Tokens that are taken. */
  token = "first";
  /** Answers that are given first, one per question. */
  readonly instead: OtherAnswer[] = [];
  /** Answer every question like this. */
  always: OtherAnswer | undefined;
  hanging = false;
  readonly asked: { readonly url: URL; readonly authorization: string }[] = [];

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
    server.on("request", (request: IncomingMessage, answer: ServerResponse) =>
      this.#answer(request, answer),
    );
  }

  /** Listens with a certificate of its own authority, whose files lie in `folder`. */
  static async start(folder: string): Promise<KubernetesApi> {
    const authority = new CertificateAuthority(folder, "cluster");
    const { cert, key } = authority.issue("api", "IP:127.0.0.1");
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new KubernetesApi(folder, server);
  }

  get url(): string {
    const address = this.#server.address();
    return `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  get caFile(): string {
    return join(this.#folder, "cluster.crt");
  }

  /** Questions that wait for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Answers are given again, and questions that still wait are dropped. */
  mend(): void {
    this.hanging = false;
    this.always = undefined;
    for (const answer of this.#waiting) answer.destroy();
    this.#waiting.clear();
  }

  async stop(): Promise<void> {
    this.mend();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.url);
    const authorization = request.headers.authorization ?? "";
    this.asked.push({ url, authorization });
    if (this.hanging) {
      this.#waiting.add(answer);
      answer.on("close", () => this.#waiting.delete(answer));
      return;
    }
    const refused = authorization === `Bearer ${this.token}` ? undefined : UNAUTHORIZED;
    const other = this.instead.shift() ?? this.always ?? refused;
    const { status, body, headers } = other ?? { status: 200, body: this.#page(url), headers: {} };
    answer.writeHead(status, { "content-type": "application/json", ...headers });
    answer.end(body);
  }

  #page(url: URL): string {
    const at = Number(url.searchParams.get("continue") ?? "0");
    const slice = this.slices[at];
    const more = at + 1 < this.slices.length;
    return JSON.stringify({
      kind: "EndpointSliceList",
      apiVersion: "discovery.k8s.io/v1",
      metadata: {
        resourceVersion: "10245",
        ...(more && { continue: String(at + 1), remainingItemCount: this.slices.length - at - 1 }),
      },
      items: slice === undefined ? [] : [this.#slice(slice, at)],
    });
  }

  #slice(endpoints: readonly SliceEndpoint[], at: number): unknown {
    return {
      metadata: {
        name: `troupe-${at}x7kd`,
        generateName: "troupe-",
        namespace: "shop",
        uid: `6d0c1a3e-0000-4000-8000-00000000000${at}`,
        resourceVersion: "9981",
        labels: { "kubernetes.io/service-name": "troupe", "service.kubernetes.io/headless": "" },
      },
      addressType: endpoints[0]?.address.includes(":") === true ? "IPv6" : "IPv4",
      endpoints: endpoints.map(({ address, ready = true, terminating = false }, nth) => ({
        addresses: [address],
        conditions: { ready, serving: ready, terminating },
        hostname: `troupe-${nth}`,
        targetRef: { kind: "Pod", namespace: "shop", name: `troupe-${nth}` },
        nodeName: "worker-1",
        zone: "north-1",
      })),
      ports: this.port === undefined ? [] : [{ ...this.port, protocol: "TCP" }],
    };
  }
}

/** The API server's own answer about what went wrong. */
export function statusAnswer(status: number, reason: string, message: string): OtherAnswer {
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  return { status, body: JSON.stringify({ ...body, message, reason, code: status }) };
}

const UNAUTHORIZED = statusAnswer(401, "Unauthorized", "Unauthorized");
