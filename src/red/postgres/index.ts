/** Control of one PostgreSQL server: what an agent of a database replica is built on. */
export type { Lsn } from './lsn.js';
export { formatLsn, parseLsn } from './lsn.js';
export { idOfStandby, standbyName } from './names.js';
export type { ServerOptions } from './options.js';
export type { ServerExit } from './postmaster.js';
export type { Address } from './quoting.js';
export type { Standby } from './replication.js';
export { PostgresServer } from './server.js';
export type { CopyOptions } from './server.js';
