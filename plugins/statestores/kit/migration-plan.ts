import { createHash } from "node:crypto";

/** One forward-only step of a schema. Once released it never changes; a later step corrects it. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** A step as the database remembers it. */
export interface AppliedMigration {
  readonly version: number;
  readonly checksum: string;
}

/** What a start must do with the schema that it finds. */
export type MigrationPlan =
  | { readonly kind: "apply"; readonly pending: readonly Migration[] }
  /** The database was written by a newer binary; nothing may be written. */
  | { readonly kind: "newer"; readonly have: number; readonly found: number }
  /** A step was recorded with other statements than ours. */
  | { readonly kind: "changed"; readonly version: number };

/** Fingerprint of a step's statements. */
export function migrationChecksum(migration: Migration): string {
  return createHash("sha256").update(migration.statements.join(";\n")).digest("hex");
}

/** Compares the steps this binary knows with those that the database has. */
export function planMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): MigrationPlan {
  const found = applied.reduce((highest, step) => Math.max(highest, step.version), 0);
  if (found > known.length) return { kind: "newer", have: known.length, found };
  const byVersion = new Map(applied.map((step) => [step.version, step.checksum]));
  for (const migration of known) {
    const checksum = byVersion.get(migration.version);
    if (migration.version > found) continue;
    if (checksum !== migrationChecksum(migration)) {
      return { kind: "changed", version: migration.version };
    }
  }
  return { kind: "apply", pending: known.filter((step) => step.version > found) };
}
