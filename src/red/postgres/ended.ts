/** A server that ended without being told to. */
import type { TheodoraError } from '../../client/index.js';
import { postgresError } from './errors.js';
import type { ServerExit } from './postmaster.js';

export function endedError({ status, signal, isSilent }: ServerExit): TheodoraError {
  if (isSilent) {
    const text = 'the database server answered no more, and was killed';
    const remedy = 'Was it suspended, or its disk? See its log; it is started again';
    return postgresError('POSTGRES_SILENT', text, remedy, { fields: { status, signal } });
  }
  const how = signal === null ? `with exit status ${status}` : `killed by ${signal}`;
  const text = `the database server ended by itself, ${how}`;
  return postgresError('POSTGRES_ENDED', text, 'See its log; it is started again', {
    fields: { status, signal },
  });
}
