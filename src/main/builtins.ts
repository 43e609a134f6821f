import allowAll from "../../plugins/acl/allow-all/plugin.ts";
import policyFiles from "../../plugins/acl/policy-files/plugin.ts";
import cron from "../../plugins/activators/cron/plugin.ts";
import http from "../../plugins/activators/http/plugin.ts";
import token from "../../plugins/authenticators/token/plugin.ts";
import localFirst from "../../plugins/balancers/local-first/plugin.ts";
import random from "../../plugins/balancers/random/plugin.ts";
import roundRobin from "../../plugins/balancers/round-robin/plugin.ts";
import twoChoices from "../../plugins/balancers/two-choices/plugin.ts";
import dns from "../../plugins/discovery/dns/plugin.ts";
import kubernetes from "../../plugins/discovery/kubernetes/plugin.ts";
import staticDiscovery from "../../plugins/discovery/static/plugin.ts";
import storeDiscovery from "../../plugins/discovery/store/plugin.ts";
import divergence from "../../plugins/partition-tolerance/divergence/plugin.ts";
import dynamicQuorum from "../../plugins/partition-tolerance/dynamic-quorum/plugin.ts";
import majorityQuorum from "../../plugins/partition-tolerance/majority-quorum/plugin.ts";
import staticQuorum from "../../plugins/partition-tolerance/static-quorum/plugin.ts";
import storeArbiter from "../../plugins/partition-tolerance/store-arbiter/plugin.ts";
import consistentHash from "../../plugins/placement/consistent-hash/plugin.ts";
import guided from "../../plugins/placement/guided/plugin.ts";
import leastLoaded from "../../plugins/placement/least-loaded/plugin.ts";
import rendezvous from "../../plugins/placement/rendezvous/plugin.ts";
import cockroachdb from "../../plugins/statestores/cockroachdb/plugin.ts";
import memory from "../../plugins/statestores/memory/plugin.ts";
import mssql from "../../plugins/statestores/mssql/plugin.ts";
import mysql from "../../plugins/statestores/mysql/plugin.ts";
import postgres from "../../plugins/statestores/postgres/plugin.ts";
import sqlite from "../../plugins/statestores/sqlite/plugin.ts";
import type { AnyPlugin } from "../contract/index.ts";

/** Every plug-in that is compiled in. One that is not listed here does not exist. */
export const builtins: readonly AnyPlugin[] = [
  memory,
  mysql,
  sqlite,
  postgres,
  mssql,
  cockroachdb,
  rendezvous,
  consistentHash,
  guided,
  leastLoaded,
  divergence,
  staticQuorum,
  dynamicQuorum,
  majorityQuorum,
  storeArbiter,
  staticDiscovery,
  dns,
  kubernetes,
  storeDiscovery,
  roundRobin,
  random,
  twoChoices,
  localFirst,
  allowAll,
  policyFiles,
  token,
  cron,
  http,
];
