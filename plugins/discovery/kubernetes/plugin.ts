import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { type KubernetesConfig, KubernetesDiscovery } from "./kubernetes-discovery.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const LABEL = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

const options: OptionDescriptors<KubernetesConfig> = {
  service: {
    type: "string",
    doc: "Name of the service behind which the members are.",
  },
  namespace: {
    type: "string",
    default: "",
    doc: "Namespace of the service; without it the pod's own.",
  },
  lookup: {
    type: "string",
    default: "api",
    values: ["api", "dns"],
    doc: "`api`: the service's EndpointSlices, which the account may list. `dns`: the name of a headless service.",
  },
  portName: {
    type: "string",
    default: "peer",
    doc: "Name of the service's port for peers; without such a port the port of this node's peers.",
  },
  apiServer: {
    type: "url",
    default: "https://kubernetes.default.svc",
    doc: "The API server.",
  },
  tokenFile: {
    type: "path",
    default: `${ACCOUNT}/token`,
    doc: "Token of the service account; read again for every question.",
  },
  caFile: {
    type: "path",
    default: `${ACCOUNT}/ca.crt`,
    doc: "Authority of the API server's certificate (PEM).",
  },
  namespaceFile: {
    type: "path",
    default: `${ACCOUNT}/namespace`,
    doc: "The pod's own namespace.",
  },
  clusterDomain: {
    type: "string",
    default: "cluster.local",
    doc: "Domain of the cluster's names.",
  },
  servers: {
    type: "list",
    default: [],
    max: 8,
    doc: "Name servers to ask, `ip` or `ip:port`; without them those of the system.",
  },
  timeout: {
    type: "duration",
    default: 5_000,
    min: 1,
    doc: "Longest wait for the whole of a search.",
  },
};

export default {
  contract: "discovery@1",
  name: "kubernetes",
  stability: "beta",
  doc: "The pods behind a service of Kubernetes, by its EndpointSlices or by the name of a headless one.",
  options,
  create(config, host) {
    const refuse = (what: string) => host.error("request.invalid", what, "not_started");
    if (!LABEL.test(config.service)) throw refuse("the service has no valid name");
    if (config.namespace !== "" && !LABEL.test(config.namespace)) {
      throw refuse("the namespace has no valid name");
    }
    if (!config.apiServer.startsWith("https:"))
      throw refuse("the API server is asked by https alone");
    return new KubernetesDiscovery(config, host);
  },
} satisfies Plugin<"discovery@1", KubernetesConfig>;
