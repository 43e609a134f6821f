import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

const SYNCS = 200;

/** Milliseconds that one small write with `fdatasync` takes in `folder`, the median of 200. */
export function fsyncMs(folder: string): number {
  const own = mkdtempSync(join(folder, "fsync-"));
  const file = openSync(join(own, "file"), "w");
  const times: number[] = [];
  for (let round = 0; round < SYNCS; round += 1) {
    const begin = performance.now();
    writeSync(file, new Uint8Array(4096));
    fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  closeSync(file);
  rmSync(own, { recursive: true });
  return times.sort((a, b) => a - b)[SYNCS / 2] ?? 0;
}

/** One line: what these figures were measured on. */
export function machineText(): string {
  const [cpu] = cpus();
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  return [
    `${cpu?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${memoryGiB} GiB`,
    `Linux ${release()}`,
    `Bun ${process.versions["bun"]}`,
    `fsync ${fsyncMs(tmpdir()).toFixed(2)} ms`,
    `load before ${load}`,
  ].join("; ");
}
