/**
 * The errors of calls that did not end in a result. Refused, nothing done, and nobody knows stay apart
 * (pitfalls 24, 38, 42), and each says why the service did not answer as far as this client can tell.
 */
import { RefusedError, TheodoraError, UnavailableError, UnknownOutcomeError } from '../base/index.js';
import type { RefusalCode, Result } from '../codec/index.js';
import type { ReplicaProblem } from './links.js';
import type { CallRefusal } from './protocol.js';

/** What refusals say to people; `detail` and `subject` are the number and the name that came with the code. */
const refusalMessages: Readonly<
  Record<RefusalCode | CallRefusal, (detail: number, subject: string) => string>
> = {
  MALFORMED_OPERATION: () => 'the replicas do not understand the operation; are they of the same release?',
  NO_SUCH_SPACE: () => 'there is no such space',
  TOO_MANY_FIELDS: (limit) => `the tuple or template has more than ${limit} fields`,
  FIELD_TOO_LARGE: (limit) => `a field is larger than ${limit} bytes`,
  TUPLE_TOO_LARGE: (limit) => `the tuple is larger than ${limit} bytes`,
  RESULT_TOO_LARGE: (fits) => `the result is too large; the first ${fits} entries fit: set limit to that`,
  SPACE_FULL: () => 'the space is full',
  LEASE_TOO_SHORT: (leaseMinMs) =>
    `the lease is shorter than the ${leaseMinMs} ms that clocks and messages need`,
  TOO_MANY_WAITS: (limit) =>
    `more than ${limit} operations of this identity would wait, or their templates are too large; cancel some`,
  TOO_MANY_SUBSCRIPTIONS: (limit) => `this identity has ${limit} subscriptions already; close some`,
  WAIT_TOO_LONG: (waitMaxMs) => `the timeout is longer than the ${waitMaxMs} ms that may be waited`,
  NO_SUCH_WAIT: () => 'there is no such wait or subscription; it may have ended',
  HISTORY_TRUNCATED: (from) =>
    `events before ${from} are not held any more; read the space, then subscribe from ${from} on`,
  UNKNOWN_CLIENT: () => 'this identity is not registered, or has been revoked; the admin can add one',
  ADMIN_ONLY: () => 'only the identity admin may do that',
  ACL_DENIED: (_, list) => `this identity is not on the space's list of ${aclNames[list] ?? list}`,
  POLICY_DENIED: (_, rule) => `the policy of the space does not allow it (rule ${rule})`,
  POLICY_ERROR: (_, rule) => `the policy of the space failed (rule ${rule}); tell who wrote it`,
  POLICY_BUDGET: (_, rule) => `the policy of the space took too many steps (rule ${rule}); tell who wrote it`,
  QUOTA_EXCEEDED: (limit, quota) => `the quota of ${limit} is used up (${quota}); take something first`,
  SPACE_DELETED: () => 'the space has been deleted',
  SPACE_EXISTS: () => 'there is a space of that name; choose another or delete it first',
  INVALID_NAME: () =>
    'that is no name: 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit',
  TOO_MANY_NAMES: (limit) => `a list holds at most ${limit} names`,
  TOO_MANY_SPACES: (limit) => `there are ${limit} spaces already; delete one first`,
  TOO_MANY_CLIENTS: (limit) => `there are ${limit} clients already`,
  NO_SUCH_CLIENT: (_, name) => `there is no client "${name}"`,
  NAME_TAKEN: (_, name) => `the name "${name}" has been given to a client before; choose another`,
  KEY_TAKEN: (_, name) => `the key is that of the client "${name}"; make a new one`,
  ADMIN_STAYS: () => 'the admin cannot be revoked',
  SPACE_NOT_CONFIDENTIAL: () =>
    'the space is not confidential; it holds tuples as they are, and nothing sealed',
  SEALED_MISSING: () => 'the space is confidential; tuples come sealed, beside their fingerprint',
  SEALED_TOO_LARGE: (limit) => `the sealed tuple is larger than ${limit} bytes`,
  REPAIR_UNPROVEN: () =>
    'the evidence does not show that the entry is no good; it counts against this identity',
  NOTHING_TO_REPAIR: () =>
    'the entry is not in the space, nor among the events that are held any more; there is nothing left to repair',
  CLIENT_BLACKLISTED: () =>
    'this identity is blacklisted, since a tuple that it inserted was no good; the admin can pardon it',
  POLICY_INVALID: (_, problem) =>
    `the replicas refuse the policy module (${problem}); see \`theodora policy check\``,
  TOO_MANY_SESSIONS: () => 'this identity has too many sessions; close clients or wait until theirs expire',
  DISK_FULL: () => "the replicas' disks are nearly full; make room there",
  REPLIES_FULL: () => 'too many large replies are under way in this session; try again with fewer at once',
  SESSION_EXPIRED: () => 'the session has expired',
  NUMBER_OUT_OF_WINDOW: () => 'the request number is out of the window',
};

/** What a space's lists are of. */
const aclNames: Readonly<Record<string, string>> = {
  insert: 'those who may insert',
  readers: 'readers',
  takers: 'takers',
  any: 'those who may do anything in it',
};

/** Name of a refusal's number in the error's fields. */
const detailNames: Partial<Record<RefusalCode, string>> = {
  TOO_MANY_FIELDS: 'limit',
  FIELD_TOO_LARGE: 'limit',
  TUPLE_TOO_LARGE: 'limit',
  RESULT_TOO_LARGE: 'fits',
  LEASE_TOO_SHORT: 'leaseMinMs',
  TOO_MANY_WAITS: 'limit',
  TOO_MANY_SUBSCRIPTIONS: 'limit',
  WAIT_TOO_LONG: 'waitMaxMs',
  HISTORY_TRUNCATED: 'from',
  QUOTA_EXCEEDED: 'limit',
  TOO_MANY_NAMES: 'limit',
  TOO_MANY_SPACES: 'limit',
  TOO_MANY_CLIENTS: 'limit',
  SEALED_TOO_LARGE: 'limit',
};

/** Name of a refusal's subject in the error's fields. */
const subjectNames: Partial<Record<RefusalCode, string>> = {
  ACL_DENIED: 'list',
  POLICY_DENIED: 'rule',
  POLICY_ERROR: 'rule',
  POLICY_BUDGET: 'rule',
  QUOTA_EXCEEDED: 'quota',
  NO_SUCH_CLIENT: 'client',
  NAME_TAKEN: 'client',
  KEY_TAKEN: 'client',
  POLICY_INVALID: 'problem',
};

export function refusedByService(
  { code, detail, subject = '' }: Omit<Result & { kind: 'refused' }, 'kind'>,
  operation: string,
): RefusedError {
  const detailName = detailNames[code];
  const subjectName = subjectNames[code];
  const fields = {
    operation,
    ...(detailName === undefined ? {} : { [detailName]: detail }),
    ...(subjectName === undefined || subject === '' ? {} : { [subjectName]: subject }),
  };
  return new RefusedError(code, `${operation}: ${refusalMessages[code](detail, subject)}.`, fields);
}

export function refusedBySession(code: CallRefusal, operation: string): RefusedError {
  return new RefusedError(code, `${operation}: ${refusalMessages[code](0, '')}.`, { operation });
}

/** "replica 2 (host:port): connection refused; …" */
export function describeProblems(problems: readonly ReplicaProblem[]): string {
  return problems.map(({ id, address, reason }) => `replica ${id} (${address}): ${reason}`).join('; ');
}

const withProblems = (text: string, problems: readonly ReplicaProblem[]): string =>
  problems.length === 0 ? `${text}.` : `${text}; not connected: ${describeProblems(problems)}.`;

export function unknownOutcome(
  operation: string,
  why: string,
  problems: readonly ReplicaProblem[],
  cause?: unknown,
): UnknownOutcomeError {
  const text = `${operation}: ${why} after it was sent; it may have been executed, or may still be`;
  const fields = { operation, replicas: problems };
  return new UnknownOutcomeError('OUTCOME_UNKNOWN', withProblems(text, problems), fields, cause);
}

/** The replicas do not know this client any more. */
export const refusedMeanwhile = (
  operation: string,
  problems: readonly ReplicaProblem[],
): UnknownOutcomeError => unknownOutcome(operation, 'the replicas ceased to know this identity', problems);

export function unavailable(
  operation: string,
  why: string,
  problems: readonly ReplicaProblem[],
): UnavailableError {
  const text = `${operation}: ${why} before it could be sent; nothing was executed`;
  return new UnavailableError('SERVICE_UNAVAILABLE', withProblems(text, problems), {
    operation,
    replicas: problems,
  });
}

export function clientClosed(): UnavailableError {
  return new UnavailableError('CLIENT_CLOSED', 'the client is closed; nothing was sent.');
}

export function closedWhileWaiting(operation: string): UnavailableError {
  const text = `${operation}: the client was closed while it waited; nothing was found or taken.`;
  return new UnavailableError('CLIENT_CLOSED', text, { operation });
}

/** f+1 replicas agree on bytes that are no answer to this operation: they are of another release. */
export function unexpectedResult(operation: string): TheodoraError {
  const text = `${operation}: the replicas agree on an answer that this release cannot read; use the same release.`;
  return new TheodoraError('UNEXPECTED_RESULT', text, { operation });
}
