/** Where a membership core takes its chances from; the driver hands one in, a simulation a seeded one. */
export interface SwimRandom {
  /** A whole number, 0 to `bound` − 1, each as likely as the other. */
  below(bound: number): number;
}
