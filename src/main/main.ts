import process from "node:process";
import { processTerminal } from "./cli/terminal.ts";
import { runProgram } from "./program.ts";

const code = await runProgram(process.argv.slice(2), processTerminal());
// What was written leaves first; then whatever still runs (turns cut short, open sockets) ends.
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
await new Promise<void>((resolve) => process.stderr.write("", () => resolve()));
process.exit(code);
