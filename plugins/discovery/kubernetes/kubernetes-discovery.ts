import { readFile } from "node:fs/promises";
import type { Discovery, DiscoveryHost, Seed } from "../../../src/contract/index.ts";
import { lookupAddresses } from "../kit/dns-lookup.ts";
import { seedList } from "../kit/seed-list.ts";
import { withDeadline } from "../kit/with-deadline.ts";
import { type ApiAnswer, ApiServer, type ApiServerConfig } from "./api-server.ts";
import { readSlices } from "./endpoint-slices.ts";

/** What a search in Kubernetes needs to know. */
export interface KubernetesConfig extends ApiServerConfig {
  readonly service: string;
  /** "" for the pod's own. */
  readonly namespace: string;
  readonly namespaceFile: string;
  readonly lookup: "api" | "dns";
  readonly clusterDomain: string;
  readonly servers: readonly string[];
  readonly portName: string;
  readonly timeout: number;
}

const PAGE = 500;
const MOST_PAGES = 40;
const OK = 200;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const GONE = 410;

/** Finds the pods behind a service: by its EndpointSlices, or by the name of a headless service. */
export class KubernetesDiscovery implements Discovery {
  readonly #config: KubernetesConfig;
  readonly #host: DiscoveryHost;
  readonly #api: ApiServer;

  constructor(config: KubernetesConfig, host: DiscoveryHost) {
    this.#config = config;
    this.#host = host;
    this.#api = new ApiServer(config);
  }

  async find(signal: AbortSignal): Promise<readonly Seed[]> {
    const { service, timeout, lookup } = this.#config;
    try {
      const found = await withDeadline(this.#host.clock, signal, timeout, (inner) =>
        lookup === "dns" ? this.#byName(inner) : this.#bySlices(inner),
      );
      return seedList(found);
    } catch (cause) {
      const refused = cause instanceof Refused;
      const why = cause instanceof Error ? cause.message : "unknown";
      const message = `the endpoints of the service ${service} could not be read: ${why}`;
      const code = refused ? "access.denied" : "routing.unreachable";
      throw this.#host.error(code, message, "not_started", { cause });
    }
  }

  async #byName(signal: AbortSignal): Promise<readonly Seed[]> {
    const { service, clusterDomain } = this.#config;
    const name = `${service}.${await this.#namespace()}.svc.${clusterDomain}`;
    const addresses = await lookupAddresses(name, this.#config, signal);
    return addresses.map((host) => ({ host, port: this.#host.peerPort }));
  }

  async #bySlices(signal: AbortSignal): Promise<readonly Seed[]> {
    const path = await this.#path();
    let seeds: Seed[] = [];
    let next = "";
    let begunAnew = false;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.#get(`${path}&limit=${PAGE}${continuing(next)}`, signal);
      // The rest of the list is too old to be told: it is read from its beginning, once.
      if (answer.status === GONE && next !== "" && !begunAnew) {
        begunAnew = true;
        seeds = [];
        next = "";
        continue;
      }
      if (answer.status === NOT_FOUND) return [];
      const { portName } = this.#config;
      const read =
        answer.status === OK ? readSlices(answer.body, portName, this.#host.peerPort) : undefined;
      if (read === undefined) throw new Error(unexpected(answer));
      seeds.push(...read.seeds);
      next = read.next;
      if (next === "") return seeds;
    }
    return seeds;
  }

  /** Asks twice if the token was not taken: it may have been replaced in between. */
  async #get(path: string, signal: AbortSignal): Promise<ApiAnswer> {
    const first = await this.#api.get(path, signal);
    const answer = first.status === UNAUTHORIZED ? await this.#api.get(path, signal) : first;
    if (answer.status === UNAUTHORIZED || answer.status === FORBIDDEN) {
      throw new Refused(`the service account was refused (${answer.status})`);
    }
    return answer;
  }

  async #path(): Promise<string> {
    const namespace = encodeURIComponent(await this.#namespace());
    const selector = encodeURIComponent(`kubernetes.io/service-name=${this.#config.service}`);
    return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  }

  async #namespace(): Promise<string> {
    const { namespace, namespaceFile } = this.#config;
    return namespace === "" ? (await readFile(namespaceFile, "utf8")).trim() : namespace;
  }
}

/** The account may not do this, which a repeat does not change. */
class Refused extends Error {}

function continuing(next: string): string {
  return next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
}

function unexpected({ status, body }: ApiAnswer): string {
  if (status !== OK) return `the API server answered with ${status}`;
  return body === undefined
    ? "the API server answered with something that is no JSON"
    : "the API server answered with something that is no list of EndpointSlices";
}
