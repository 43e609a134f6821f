import process from "node:process";
import type { Command } from "commander";
import type { Terminal } from "../cli/terminal.ts";
import { build } from "../server/version.ts";

/** Version and commit, as `--version` says them. */
export const VERSION_TEXT = `troupe ${build.version} (${build.commit})`;

/** Adds `troupe version`. */
export function addVersion(program: Command, terminal: Terminal): void {
  program
    .command("version")
    .description("print version and commit; with --json also runtime and platform")
    .option("--json", "JSON for programs")
    .action(({ json }: { json?: boolean }) => {
      const { version, commit } = build;
      const runtime = `bun ${process.versions["bun"] ?? ""}`;
      const about = { version, commit, runtime, platform: process.platform, arch: process.arch };
      terminal.out.write(json === true ? `${JSON.stringify(about)}\n` : `${VERSION_TEXT}\n`);
    });
}
