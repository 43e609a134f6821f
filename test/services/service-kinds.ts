import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Handshake } from "./handshake.ts";
import { oracleMysql } from "./oracle-mysql.ts";

/** One program of a service; `user` is the account that it insists on when started by root. */
export interface Program {
  readonly path: string;
  readonly parameters: readonly string[];
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a service is run: programs that must end first, then programs that stay. */
export interface Recipe {
  readonly prepare: readonly Program[];
  readonly stay: readonly Program[];
  readonly url: string;
}

/** A back end that tests use. `variable` is the environment variable that carries its URL. */
export interface ServiceKind {
  readonly name: string;
  readonly variable: string;
  readonly handshake: Handshake;
  /** Folder of the installed programs, or `undefined` if they are not installed. */
  find(): string | undefined;
  /** `folder` is empty, private and belongs to `user`; `port` and `extraPort` are free. */
  recipe(programs: string, folder: string, port: number, extraPort: number): Recipe;
  /** The account that must own `folder` when started by root. */
  readonly user: string | undefined;
  /** Used where it is, missed nowhere: its absence is no failure even if back ends are required. */
  readonly optional?: boolean;
}

const NOTHING = new Uint8Array(0);

/** The first of the folders that holds the program. */
function folderOf(program: string, folders: readonly string[]): string | undefined {
  return folders.find((folder) => existsSync(join(folder, program)));
}

const BINARIES: readonly string[] = [
  "/usr/sbin",
  "/usr/bin",
  "/usr/local/bin",
  "/opt/homebrew/bin",
];

const postgresql: ServiceKind = {
  name: "PostgreSQL",
  variable: "TROUPE_TEST_POSTGRES_URL",
  user: "postgres",
  handshake: {
    hello: Uint8Array.of(0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f), // SSLRequest
    answers: (received) => received[0] === 0x53 || received[0] === 0x4e,
  },
  find: () => {
    const debian = "/usr/lib/postgresql";
    const versions = existsSync(debian) ? readdirSync(debian) : [];
    const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
    return folderOf("initdb", [...newestFirst.map((v) => join(debian, v, "bin")), ...BINARIES]);
  },
  recipe: (programs, folder, port) => {
    const data = join(folder, "data");
    const init = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
    const settings = [
      `port=${port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${folder}`,
    ];
    return {
      prepare: [{ path: join(programs, "initdb"), parameters: init, user: "postgres" }],
      stay: [
        {
          path: join(programs, "postgres"),
          parameters: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
          user: "postgres",
        },
      ],
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    };
  },
};

const mariadb: ServiceKind = {
  name: "MariaDB",
  variable: "TROUPE_TEST_MYSQL_URL",
  user: "mysql",
  handshake: { hello: NOTHING, answers: (received) => received[4] === 0x0a },
  find: () => folderOf("mariadbd", BINARIES),
  recipe: (programs, folder, port) => {
    const data = join(folder, "data");
    const install = folderOf("mariadb-install-db", BINARIES) ?? programs;
    const root = "--auth-root-authentication-method=normal";
    const serve = [
      "--no-defaults",
      `--datadir=${data}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
    ];
    const charset = ["--character-set-server=utf8mb4", `--socket=${join(folder, "socket")}`];
    return {
      prepare: [
        {
          path: join(install, "mariadb-install-db"),
          parameters: ["--no-defaults", `--datadir=${data}`, root, "--skip-test-db"],
          user: "mysql",
        },
      ],
      stay: [
        { path: join(programs, "mariadbd"), parameters: [...serve, ...charset], user: "mysql" },
      ],
      url: `mysql://root@127.0.0.1:${port}/mysql`,
    };
  },
};

const nats: ServiceKind = {
  name: "NATS",
  variable: "TROUPE_TEST_NATS_URL",
  user: undefined,
  handshake: {
    hello: NOTHING,
    answers: (received) => new TextDecoder().decode(received.subarray(0, 6)) === "INFO {",
  },
  find: () => folderOf("nats-server", BINARIES),
  recipe: (programs, folder, port) => ({
    prepare: [],
    stay: [
      {
        path: join(programs, "nats-server"),
        parameters: ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
      },
    ],
    url: `nats://127.0.0.1:${port}`,
  }),
};

const rabbitmq: ServiceKind = {
  name: "RabbitMQ",
  variable: "TROUPE_TEST_AMQP_URL",
  user: "rabbitmq",
  handshake: {
    hello: Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1), // "AMQP" 0-9-1
    answers: (received) => received.length >= 11 && received[0] === 1 && received[8] === 10,
  },
  find: () => folderOf("rabbitmq-server", ["/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin"]),
  recipe: (programs, folder, port, extraPort) => {
    const configuration = join(folder, "rabbitmq.conf");
    const plugins = join(folder, "enabled_plugins");
    writeFileSync(configuration, `listeners.tcp.1 = 127.0.0.1:${port}\nloopback_users = none\n`);
    writeFileSync(plugins, "[].\n");
    // One name server and one port for Erlang itself, both private to this broker.
    const environment = {
      HOME: folder,
      ERL_EPMD_PORT: String(extraPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_NODENAME: `troupe-${port}@localhost`,
      RABBITMQ_CONFIG_FILE: configuration,
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
        "-kernel inet_dist_use_interface {127,0,0,1} inet_dist_listen_min 0 inet_dist_listen_max 0 +sbwt none",
      // The script then becomes the broker instead of watching over it: one process to end.
      RABBITMQ_ALLOW_INPUT: "1",
      RABBITMQ_SERVER_START_ARGS: "-noinput",
    };
    const names = ["-port", String(extraPort), "-address", "127.0.0.1"];
    return {
      prepare: [],
      stay: [
        {
          path: join(folderOf("epmd", BINARIES) ?? programs, "epmd"),
          parameters: names,
          user: "rabbitmq",
        },
        { path: join(programs, "rabbitmq-server"), parameters: [], user: "rabbitmq", environment },
      ],
      url: `amqp://guest:guest@127.0.0.1:${port}`,
    };
  },
};

const mosquitto: ServiceKind = {
  name: "Mosquitto",
  variable: "TROUPE_TEST_MQTT_URL",
  user: "mosquitto",
  handshake: {
    // CONNECT, MQTT 3.1.1, clean session, empty client id; answered by CONNACK.
    hello: Uint8Array.of(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0),
    answers: (received) => received[0] === 0x20 && received[3] === 0,
  },
  find: () => folderOf("mosquitto", BINARIES),
  recipe: (programs, folder, port) => {
    const configuration = join(folder, "mosquitto.conf");
    writeFileSync(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
    return {
      prepare: [],
      stay: [
        { path: join(programs, "mosquitto"), parameters: ["-c", configuration], user: "mosquitto" },
      ],
      url: `mqtt://127.0.0.1:${port}`,
    };
  },
};

export const SERVICE_KINDS: readonly ServiceKind[] = [
  postgresql,
  mariadb,
  oracleMysql,
  nats,
  rabbitmq,
  mosquitto,
];
