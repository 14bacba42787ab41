/** Pure: positions in a server's log, which PostgreSQL writes as two hexadecimal halves. */
import { postgresInputError } from './errors.js';

/** A number of bytes from the beginning of the log. */
export type Lsn = bigint;

/** @throws InvalidInputError POSTGRES_LSN_INVALID. */
export function parseLsn(text: string): Lsn {
  const [, high, low] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
  if (high !== undefined && low !== undefined) return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
  throw postgresInputError(
    'POSTGRES_LSN_INVALID',
    `${JSON.stringify(text)} is no position`,
    'Write it as 0/16B3748',
    {
      fields: { lsn: text },
    },
  );
}

export function formatLsn(lsn: Lsn): string {
  const half = (value: bigint): string => value.toString(16).toUpperCase();
  return `${half(lsn >> 32n)}/${half(lsn & 0xffff_ffffn)}`;
}
