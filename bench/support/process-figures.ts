import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in ticks of this length. */
const TICK_MS = 10;

function statCpuMs(path: string): number {
  const text = readFileSync(path, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** CPU time that a process has used with all its threads, in milliseconds. */
export function cpuMs(pid: number): number {
  return statCpuMs(`/proc/${pid}/stat`);
}

/** The same by thread, with the name of each. */
export function threadCpuMs(pid: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    const name = `${readFileSync(`${folder}/comm`, "utf8").trim()} ${thread}`;
    found.set(name, statCpuMs(`${folder}/stat`));
  }
  return found;
}

/** Memory of a process that is in RAM, in bytes. */
export function rssBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
