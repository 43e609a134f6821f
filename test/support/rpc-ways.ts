import type { Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import {
  createConnectTransport as createConnectWebTransport,
  createGrpcWebTransport as createGrpcWebFetchTransport,
} from "@connectrpc/connect-web";

/** One way in which a generated client calls. */
export interface RpcWay {
  readonly name: string;
  readonly bidi: boolean;
  transport(baseUrl: string): Transport;
}

/** Every protocol, format, version and library that the edge must serve alike. */
export const rpcWays: readonly RpcWay[] = [
  {
    name: "Connect, proto, HTTP/1.1",
    bidi: false,
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  },
  {
    name: "Connect, json, HTTP/1.1",
    bidi: false,
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  },
  {
    name: "Connect, proto, HTTP/2",
    bidi: true,
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  },
  {
    name: "Connect, json, HTTP/2",
    bidi: true,
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  },
  {
    name: "Connect, proto, gzip",
    bidi: true,
    transport: (baseUrl) =>
      createConnectTransport({
        baseUrl,
        httpVersion: "2",
        sendCompression: compressionGzip,
        compressMinBytes: 0,
      }),
  },
  {
    name: "Connect GET",
    bidi: false,
    transport: (baseUrl) =>
      createConnectTransport({
        baseUrl,
        httpVersion: "1.1",
        useHttpGet: true,
        useBinaryFormat: true,
      }),
  },
  { name: "gRPC", bidi: true, transport: (baseUrl) => createGrpcTransport({ baseUrl }) },
  {
    name: "gRPC, gzip",
    bidi: true,
    transport: (baseUrl) =>
      createGrpcTransport({ baseUrl, sendCompression: compressionGzip, compressMinBytes: 0 }),
  },
  {
    name: "gRPC, json",
    bidi: true,
    transport: (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  },
  {
    name: "gRPC-web",
    bidi: false,
    transport: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  },
  {
    name: "gRPC-web, HTTP/2, json",
    bidi: true,
    transport: (baseUrl) =>
      createGrpcWebTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  },
  {
    name: "Connect by fetch",
    bidi: false,
    transport: (baseUrl) => createConnectWebTransport({ baseUrl, useBinaryFormat: true }),
  },
  {
    name: "gRPC-web by fetch",
    bidi: false,
    transport: (baseUrl) => createGrpcWebFetchTransport({ baseUrl }),
  },
];
