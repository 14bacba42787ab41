/** What can be wrong with a vote log, in words that say what to do. */
import { join } from 'node:path';
import { InvalidInputError, TheodoraError } from '../../base/index.js';

const repairIt =
  'Start with --repair: the replica then forgets its votes, keeps the damaged files aside as votes.damaged-…, and rejoins.';
const updateIt = 'Start it with the release that has written it, or a later one.';

export interface DamagePlace {
  readonly directory: string;
  readonly name: string;
  readonly offset: number;
  /** Of the first record that is not there as it was written. */
  readonly record: number;
}

function damaged(place: DamagePlace, problem: string, remedy: string): InvalidInputError {
  const { offset, record } = place;
  const path = join(place.directory, place.name);
  return new InvalidInputError(
    'VOTE_LOG_DAMAGED',
    `${path}, offset ${offset}, record ${record}: ${problem}. ${remedy}`,
    { path, offset, record },
  );
}

export const voteLogDamaged = (place: DamagePlace, problem: string): InvalidInputError =>
  damaged(place, problem, repairIt);

export const voteLogVersionUnknown = (place: DamagePlace): InvalidInputError =>
  damaged(place, 'another release has written it, in a format that this one does not know', updateIt);

/** From what the file system says; an error of ours stays what it is. */
export function voteLogFailed(directory: string, cause: unknown): TheodoraError {
  if (cause instanceof TheodoraError) return cause;
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) };
  const why = code === 'ENOSPC' ? 'the disk is full. Make room, then start the replica again' : `${message}`;
  return new TheodoraError(
    'VOTE_LOG_FAILED',
    `${directory}: the vote log cannot be read or written: ${why}. Nothing that was told as stored is lost by this.`,
    { directory, reason: code ?? null },
    cause,
  );
}
