import process from "node:process";
import { makeProgram } from "./program.ts";

await makeProgram(process.argv.slice(2));
