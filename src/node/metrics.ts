/** One time series as a scrape shows it. */
export interface Sample {
  /** Values in the order of the family's label names. */
  readonly labels: readonly string[];
  /** Of a counter or gauge; the number of observations of a histogram. */
  readonly value: number;
  /** Histograms only: observations per bucket (the last is beyond every bound), not cumulated. */
  readonly buckets?: ArrayLike<number>;
  readonly sum?: number;
}

/** All series of one metric. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly labelNames: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly bounds: readonly number[];
  samples(): Iterable<Sample>;
}

/** Label value of everything beyond the limit of series. */
export const OVERFLOW = "other";
const SERIES_LIMIT = 10_000;
const NO_BOUNDS: readonly number[] = Object.freeze([]);

/** How many series there may still be, of all families together. */
interface Budget {
  left: number;
}

/** A branch per label, a series at the end: a lookup costs one map access per label. */
type Branch<T> = Map<string, Branch<T> | T>;

/** Series by label values. What is beyond the budget goes to one series of the family. */
class SeriesTree<T extends object> {
  readonly #make: (labels: readonly string[]) => T;
  readonly #budget: Budget;
  readonly #depth: number;
  readonly #root: Branch<T> = new Map();
  #overflow: T | undefined;
  readonly all: T[] = [];

  constructor(depth: number, budget: Budget, make: (labels: readonly string[]) => T) {
    this.#depth = depth;
    this.#budget = budget;
    this.#make = make;
  }

  at(a: string, b: string): T {
    const first = this.#root.get(a);
    if (first === undefined) return this.#add(a, b);
    if (this.#depth < 2) return first as T;
    return ((first as Branch<T>).get(b) as T | undefined) ?? this.#add(a, b);
  }

  #add(a: string, b: string): T {
    if (this.#budget.left <= 0) {
      this.#overflow ??= this.#keep(Array.from({ length: this.#depth }, () => OVERFLOW));
      return this.#overflow;
    }
    this.#budget.left -= 1;
    const made = this.#keep([a, b].slice(0, this.#depth));
    if (this.#depth < 2) {
      this.#root.set(a, made);
      return made;
    }
    const branch = (this.#root.get(a) as Branch<T> | undefined) ?? new Map<string, T>();
    branch.set(b, made);
    this.#root.set(a, branch);
    return made;
  }

  #keep(labels: readonly string[]): T {
    const made = this.#make(labels);
    this.all.push(made);
    return made;
  }
}

interface Cell {
  readonly labels: readonly string[];
  value: number;
}

/** Counts what only grows. At most two labels; those a family does not have are left out. */
export class Counter implements Family {
  readonly kind = "counter";
  readonly bounds = NO_BOUNDS;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #tree: SeriesTree<Cell>;

  constructor(name: string, help: string, labelNames: readonly string[], budget: Budget) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#tree = new SeriesTree(labelNames.length, budget, (labels) => ({ labels, value: 0 }));
    if (labelNames.length === 0) this.#tree.at("", "");
  }

  add(count: number, a = "", b = ""): void {
    this.#tree.at(a, b).value += count;
  }

  samples(): Iterable<Sample> {
    return this.#tree.all;
  }
}

interface HistogramCell extends Cell {
  readonly buckets: Float64Array;
  sum: number;
}

/** Counts observations by size. At most two labels. */
export class Histogram implements Family {
  readonly kind = "histogram";
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  readonly #bounds: Float64Array;
  readonly #tree: SeriesTree<HistogramCell>;

  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    bounds: readonly number[],
    budget: Budget,
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.bounds = bounds;
    this.#bounds = Float64Array.from(bounds);
    this.#tree = new SeriesTree(labelNames.length, budget, (labels) => ({
      labels,
      value: 0,
      sum: 0,
      buckets: new Float64Array(bounds.length + 1),
    }));
  }

  observe(value: number, a = "", b = ""): void {
    const cell = this.#tree.at(a, b);
    const index = bucketOf(this.#bounds, value);
    cell.buckets[index] = (cell.buckets[index] ?? 0) + 1;
    cell.value += 1;
    cell.sum += value;
  }

  samples(): Iterable<Sample> {
    return this.#tree.all;
  }
}

/** The first bucket whose bound is not below the value; by halving, since there are many. */
function bucketOf(bounds: Float64Array, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (bounds[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A value that goes up and down: set where it changes, or read when it is scraped. */
export class Gauge implements Family {
  readonly kind = "gauge";
  readonly bounds = NO_BOUNDS;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #tree: SeriesTree<Cell>;
  readonly #read: (() => Iterable<Sample>) | undefined;

  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    budget: Budget,
    read?: () => Iterable<Sample>,
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#tree = new SeriesTree(labelNames.length, budget, (labels) => ({ labels, value: 0 }));
    this.#read = read;
  }

  set(value: number, a = "", b = ""): void {
    this.#tree.at(a, b).value = value;
  }

  samples(): Iterable<Sample> {
    return this.#read === undefined ? this.#tree.all : this.#read();
  }
}

/**
 * All metrics of a node. Making a metric that exists already, by name, answers that one. Nothing
 * here allocates once a series exists, and no series is made beyond 10,000 of them.
 */
export class Metrics {
  readonly #budget: Budget;
  readonly #families = new Map<string, Family>();

  constructor(seriesLimit: number = SERIES_LIMIT) {
    this.#budget = { left: seriesLimit };
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#named(name, Counter, () => new Counter(name, help, labelNames, this.#budget));
  }

  histogram(
    name: string,
    help: string,
    labelNames: readonly string[],
    bounds: readonly number[],
  ): Histogram {
    const make = (): Histogram => new Histogram(name, help, labelNames, bounds, this.#budget);
    return this.#named(name, Histogram, make);
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#named(name, Gauge, () => new Gauge(name, help, labelNames, this.#budget));
  }

  /** A gauge that is asked at each scrape; `read` must not wait. */
  gaugeOf(
    name: string,
    help: string,
    read: () => number | Iterable<Sample>,
    labelNames: readonly string[] = [],
  ): void {
    const samples = (): Iterable<Sample> => {
      const value = read();
      return typeof value === "number" ? [{ labels: [], value }] : value;
    };
    this.#named(name, Gauge, () => new Gauge(name, help, labelNames, this.#budget, samples));
  }

  /** A counter whose count is kept elsewhere. */
  counterOf(name: string, help: string, read: () => number): void {
    const samples = (): Iterable<Sample> => [{ labels: [], value: read() }];
    const family = { name, help, kind: "counter", labelNames: [], bounds: [], samples } as const;
    if (!this.#families.has(name)) this.#families.set(name, family);
  }

  families(): Iterable<Family> {
    return this.#families.values();
  }

  #named<T extends Family>(name: string, type: new (...args: never[]) => T, make: () => T): T {
    const found = this.#families.get(name);
    if (found instanceof type) return found;
    const made = make();
    // A name that is taken by another kind of metric stays what it is; this one is not shown.
    if (found === undefined) this.#families.set(name, made);
    return made;
  }
}
