/**
 * Bare echo of 105 bytes: the listener against `Bun.serve` over HTTP/1.1, and the listener over
 * HTTP/2. Rounds are interleaved; medians are printed. CPU is the server's own.
 *
 *     bun bench/listener/compare.ts [rounds]
 */
import { type ServerProcess, startServer } from "./server-process.ts";
import { unaryHttp1, unaryHttp2 } from "./raw-clients.ts";

const WARM_MS = 500;
const MEASURE_MS = 2000;
const HTTP1_CONNECTIONS = 64;
const HTTP2_CONNECTIONS = 4;
const HTTP2_IN_FLIGHT = 64;
const body = Buffer.alloc(105, "a");

interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(server: ServerProcess, version: 1 | 2): Promise<Sample> {
  let done = 0;
  let running = true;
  const more = (): boolean => running;
  const ended = (): void => {
    done += 1;
  };
  const clients =
    version === 1
      ? Array.from({ length: HTTP1_CONNECTIONS }, () => unaryHttp1(server.port, body, more, ended))
      : Array.from({ length: HTTP2_CONNECTIONS }, () =>
          unaryHttp2(server.port, HTTP2_IN_FLIGHT, body, more, ended),
        );
  await pause(WARM_MS);
  const before = { done, at: performance.now(), usage: await server.usage() };
  await pause(MEASURE_MS);
  const calls = done - before.done;
  const seconds = (performance.now() - before.at) / 1000;
  const { cpuMicros } = await server.usage();
  running = false;
  await pause(50);
  for (const client of clients) client.destroy();
  return { perSecond: calls / seconds, cpuMicros: (cpuMicros - before.usage.cpuMicros) / calls };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const rounds = Number(process.argv[2] ?? 5);
const listener = await startServer("listen");
const bun = await startServer("bun");
const samples: Record<string, Sample[]> = { "Bun.serve 1.1": [], "listen 1.1": [], "listen 2": [] };
for (let round = 0; round < rounds; round++) {
  samples["Bun.serve 1.1"]?.push(await measure(bun, 1));
  samples["listen 1.1"]?.push(await measure(listener, 1));
  samples["listen 2"]?.push(await measure(listener, 2));
}
listener.stop();
bun.stop();
console.log(
  `bun ${process.versions["bun"]}, ${rounds} interleaved rounds of ${MEASURE_MS} ms, medians`,
);
const cpu: Record<string, number> = {};
for (const [name, list] of Object.entries(samples)) {
  cpu[name] = median(list.map((sample) => sample.cpuMicros));
  const perSecond = Math.round(median(list.map((sample) => sample.perSecond)));
  console.log(
    `${name.padEnd(14)} ${perSecond}/s  ${cpu[name]?.toFixed(2)} µs CPU of the server each`,
  );
}
const ratio = (cpu["listen 1.1"] ?? 0) / (cpu["Bun.serve 1.1"] ?? 1);
console.log(`HTTP/1.1 costs ${((ratio - 1) * 100).toFixed(1)} % more CPU than Bun.serve`);
process.exit(0);
