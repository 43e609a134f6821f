import {
  batchTests,
  dedupTests,
  fenceTests,
  manyRepliesTests,
} from "./support/statestore-commits.ts";
import {
  connectionTests,
  fidelityTests,
  lifeTests,
  registryTests,
} from "./support/statestore-fidelity.ts";
import type { StatestoreSubject } from "./support/statestore-fixture.ts";
import { migrationTests } from "./support/statestore-migrations.ts";
import { claimTests, releaseTests, sessionTests } from "./support/statestore-ownership.ts";
import { portabilityTests } from "./support/statestore-portability.ts";
import { historyTests, searchTests } from "./support/statestore-queries.ts";
import { outboxTests, scheduleTests } from "./support/statestore-queues.ts";

import { resealTests, seedTests, shredTests } from "./support/statestore-seeds.ts";

/**
 * What every statestore must do, over a real back end. Called by each plug-in's own test; optional
 * powers are tested where they are present, and what is not claimed must be absent.
 */
export function statestoreSuite(subject: StatestoreSubject): void {
  sessionTests(subject);
  claimTests(subject);
  releaseTests(subject);
  fenceTests(subject);
  batchTests(subject);
  dedupTests(subject);
  manyRepliesTests(subject);
  outboxTests(subject);
  scheduleTests(subject);
  searchTests(subject);
  historyTests(subject);
  seedTests(subject);
  shredTests(subject);
  resealTests(subject);
  fidelityTests(subject);
  registryTests(subject);
  connectionTests(subject);
  portabilityTests(subject);
  migrationTests(subject);
  lifeTests(subject);
}
