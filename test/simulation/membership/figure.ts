import type { MeasureOptions } from "./measure.ts";
import { range } from "./pick.ts";

/** One line of the table: a goal, what it asks for and what came out. */
export interface Figure {
  readonly goal: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The most that is allowed; `undefined` where the figure is only told. */
  readonly most?: number | undefined;
  readonly least?: number;
}

/** How much is measured. */
export interface GoalOptions {
  readonly members: number;
  readonly seeds: number;
}

/** A group of goals that are measured together, under the name by which it is asked for. */
export interface GoalGroup {
  readonly name: string;
  readonly measure: (options: GoalOptions) => Promise<readonly Figure[]> | readonly Figure[];
}

/** A limit that depends on the size: the goals name three sizes. */
export function by(
  members: number,
  limits: readonly [number, number?, number?],
): number | undefined {
  if (members <= 128) return limits[0];
  return members <= 1_000 ? limits[1] : limits[2];
}

/** One measurement for each seed. */
export const each = ({ members, seeds }: GoalOptions): MeasureOptions[] =>
  range(1, seeds).map((seed) => ({ members, seed }));

/** Whether a figure is what its goal asks for; `undefined` without a goal. */
export function isMet({ value, most, least }: Figure): boolean | undefined {
  if (most === undefined && least === undefined) return undefined;
  return (
    value <= (most ?? Number.POSITIVE_INFINITY) && value >= (least ?? Number.NEGATIVE_INFINITY)
  );
}
