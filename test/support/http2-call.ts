import type { ClientHttp2Session } from "node:http2";

/** What a unary call over HTTP/2 was answered. */
export interface Http2Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
}

/** Posts `body` to `path` and reads the whole answer with its trailers. */
export function call(
  on: ClientHttp2Session,
  path: string,
  body: Uint8Array | string,
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = on.request({ ":method": "POST", ":path": path });
    const chunks: Buffer[] = [];
    let status = 0;
    let trailers = {};
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("trailers", (received) => {
      trailers = { ...received };
    });
    stream.on("error", reject);
    stream.on("end", () => resolve({ status, body: Buffer.concat(chunks), trailers }));
    stream.end(body);
  });
}
