/** What it takes to run the database server of one replica, and the defaults. */
import { standbyName } from './names.js';
import { postgresInputError } from './errors.js';
import { checkAddress, type Address } from './quoting.js';

export interface ServerOptions {
  /** Of this replica alone: data, socket and log are in it. */
  readonly directory: string;
  /** The replica's, by which the others know it. */
  readonly id: string;
  /** Where clients and other replicas reach it by TCP. */
  readonly listen: Address;
  /** The replicating role's password; one for all replicas of a database. */
  readonly passwordFile: string;
  /** Where PostgreSQL's programs are, unless they are found without. */
  readonly binDir?: string | undefined;
  /** The database that a first start makes. */
  readonly database?: string | undefined;
  /** How much log a writer keeps for copiers that lag, in MiB; who lags more needs a clone. */
  readonly walKeepMb?: number | undefined;
  /** How long a start may replay the log before the server accepts connections. */
  readonly startTimeoutMs?: number | undefined;
  /** How long a change of settings or a promotion may take. */
  readonly changeTimeoutMs?: number | undefined;
}

export interface CheckedOptions extends ServerOptions {
  readonly name: string;
  readonly database: string;
  readonly walKeepMb: number;
  readonly startTimeoutMs: number;
  readonly changeTimeoutMs: number;
}

const defaults = { database: 'red', walKeepMb: 1_024, startTimeoutMs: 120_000, changeTimeoutMs: 10_000 };

/** A whole number of at least 1. @throws InvalidInputError POSTGRES_OPTION_INVALID. */
function count(
  value: number | undefined,
  option: 'walKeepMb' | 'startTimeoutMs' | 'changeTimeoutMs',
): number {
  const number = value ?? defaults[option];
  if (Number.isInteger(number) && number >= 1 && number < 2 ** 31) return number;
  throw postgresInputError(
    'POSTGRES_OPTION_INVALID',
    `${option} is ${number}`,
    'Give a whole number from 1 on',
    {
      fields: { option },
    },
  );
}

function databaseName(name: string): string {
  const hasControls = [...name].some((character) => character < ' ' || character === '\x7f');
  if (name !== '' && Buffer.byteLength(name) <= 63 && !/\p{Surrogate}/u.test(name) && !hasControls)
    return name;
  const text = `${JSON.stringify(name)} cannot be the name of a database`;
  throw postgresInputError('POSTGRES_OPTION_INVALID', text, 'Give 1 to 63 bytes without control characters', {
    fields: { option: 'database' },
  });
}

/** @throws InvalidInputError POSTGRES_ID_INVALID, POSTGRES_ADDRESS_INVALID, POSTGRES_OPTION_INVALID. */
export function checkOptions(options: ServerOptions): CheckedOptions {
  return {
    ...options,
    name: standbyName(options.id),
    listen: checkAddress(options.listen),
    database: databaseName(options.database ?? defaults.database),
    walKeepMb: count(options.walKeepMb, 'walKeepMb'),
    startTimeoutMs: count(options.startTimeoutMs, 'startTimeoutMs'),
    changeTimeoutMs: count(options.changeTimeoutMs, 'changeTimeoutMs'),
  };
}
