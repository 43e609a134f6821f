import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Program, ServiceKind } from "./service-kinds.ts";

/** What `fetch-mysql.sh` unpacks: a file tree with its own C library and loader. */
const TREE = join(import.meta.dir, "..", "..", ".cache", "mysql", "root", "usr");
const LOADERS: readonly string[] = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];
const LIBRARIES: readonly string[] = ["lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"];

const FOLDERS: readonly string[] = [
  join(TREE, "sbin"),
  "/usr/sbin",
  "/usr/bin",
  "/usr/local/bin",
  "/opt/homebrew/bin",
];

/** The server of a folder as a program: through the loader of its tree, if it came with one. */
function mysqld(programs: string, parameters: readonly string[]): Program {
  const path = join(programs, "mysqld");
  const base = join(programs, "..");
  const loader = LOADERS.map((name) => join(base, name)).find((name) => existsSync(name));
  if (base !== TREE || loader === undefined) return { path, parameters, user: "mysql" };
  const libraries = LIBRARIES.map((name) => join(base, name)).join(":");
  return {
    path: loader,
    parameters: ["--library-path", libraries, path, ...parameters],
    user: "mysql",
  };
}

/** MariaDB installs a `mysqld` too, which is another server. */
function isOracles(programs: string): boolean {
  if (!existsSync(join(programs, "mysqld"))) return false;
  const { path, parameters } = mysqld(programs, ["--version"]);
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    return !execFileSync(path, parameters, { encoding: "utf8", stdio }).includes("MariaDB");
  } catch {
    return false;
  }
}

/** MySQL proper, which few machines have: tests run on it where it is, and miss it nowhere. */
export const oracleMysql: ServiceKind = {
  name: "MySQL",
  variable: "TROUPE_TEST_ORACLE_MYSQL_URL",
  user: "mysql",
  optional: true,
  handshake: { hello: new Uint8Array(0), answers: (received) => received[4] === 0x0a },
  find: () => FOLDERS.find(isOracles),
  recipe: (programs, folder, port) => {
    const data = [
      "--no-defaults",
      `--basedir=${join(programs, "..")}`,
      `--datadir=${join(folder, "data")}`,
    ];
    const serve = [
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--mysqlx=OFF",
      "--secure-file-priv=NULL",
      `--socket=${join(folder, "socket")}`,
    ];
    return {
      prepare: [mysqld(programs, [...data, "--initialize-insecure"])],
      stay: [mysqld(programs, [...data, ...serve])],
      url: `mysql://root@127.0.0.1:${port}/mysql`,
    };
  },
};
