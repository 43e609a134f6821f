/** What the process tells its parent; the numbers are those of sysexits. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  damaged: 65,
  unavailable: 69,
  bug: 70,
  cannotCreate: 73,
  io: 74,
  retry: 75,
  /** Another process lives under this node's name. */
  evicted: 76,
  permission: 77,
  config: 78,
} as const;
