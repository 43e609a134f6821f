import type { Weather } from "./network.ts";

/** Something that goes wrong, as data: a plan can be printed, shortened and run again. */
export type Fault =
  | { readonly kind: "crash"; readonly atMs: number; readonly members: readonly number[] }
  /** Starts processes that are not running, in a new generation. */
  | {
      readonly kind: "start";
      readonly atMs: number;
      readonly members: readonly number[];
      /** Seeds by number; without any, the process waits to be found. */
      readonly seeds?: readonly number[];
      /** The address that each takes, if not its old one. */
      readonly addresses?: readonly string[];
      /** Takes the name and generation of another member: a machine that was cloned. */
      readonly as?: number;
    }
  | {
      /** `process`: timers and all; `io`: timers run, nothing goes in or out. */
      readonly kind: "pause";
      readonly of: "process" | "io";
      readonly atMs: number;
      readonly forMs: number;
      readonly members: readonly number[];
    }
  | {
      readonly kind: "loss";
      readonly direction: "in" | "out";
      readonly rate: number;
      readonly atMs: number;
      readonly forMs: number;
      readonly members: readonly number[];
    }
  | {
      readonly kind: "weather";
      readonly atMs: number;
      readonly forMs: number;
      readonly weather: Partial<Weather>;
    }
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly forMs: number;
      readonly groups: readonly (readonly number[])[];
    }
  /** Links that carry nothing, each from the first to the second. */
  | {
      readonly kind: "cut";
      readonly atMs: number;
      readonly forMs: number;
      readonly links: readonly (readonly [number, number])[];
      /** Those whose links they are, if so many fail that they may be removed. */
      readonly members?: readonly number[];
    }
  | { readonly kind: "leave"; readonly atMs: number; readonly members: readonly number[] }
  | {
      readonly kind: "meta";
      readonly atMs: number;
      readonly members: readonly number[];
      readonly text: string;
    };

/** Members of a fault, or none if it befalls the network. */
export function membersOf(fault: Fault): readonly number[] {
  if (fault.kind === "partition") return fault.groups.flat();
  return "members" in fault ? (fault.members ?? []) : [];
}

/** Whether a fault makes its members liable to be removed, now or from then on. */
export function harms(fault: Fault): boolean {
  return fault.kind !== "meta" && membersOf(fault).length > 0;
}

/** When the last fault is over. */
export function endOf(faults: readonly Fault[]): number {
  const ends = faults.map((fault) => fault.atMs + ("forMs" in fault ? fault.forMs : 0));
  return Math.max(0, ...ends);
}
