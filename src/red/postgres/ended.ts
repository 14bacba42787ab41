/** A server that ended without being told to. */
import type { TheodoraError } from '../../client/index.js';
import { postgresError } from './errors.js';
import type { ServerExit } from './postmaster.js';

export function endedError({ status, signal }: ServerExit): TheodoraError {
  const how = signal === null ? `with exit status ${status}` : `killed by ${signal}`;
  const text = `the database server ended by itself, ${how}`;
  return postgresError('POSTGRES_ENDED', text, 'See its log; it is started again', {
    fields: { status, signal },
  });
}
