/**
 * Execution of committed batches in sequence order, exactly once, under ordered time = max(batch time,
 * ordered time so far). Pure function of the ordered batches: what is computed here is the same at every
 * correct replica.
 */
import {
  assert,
  concatBytes,
  emptyBytes,
  encodeUtf8,
  fromHex,
  sequenceNumber,
  type Digest,
  type ViewNumber,
} from '../base/index.js';
import type { Envelope, OpenSession, Outcome, Rejoin, Requests } from '../codec/index.js';
import { takeCheckpoint } from './checkpoint.js';
import { event, isClient, persistLazily, type Core } from './core.js';
import { BatchEffects, tellEnded } from './effects.js';
import { touchFeed } from './feeds.js';
import { wantBody } from './fetch-batch.js';
import { bodyOf } from './log.js';
import { envelopeKey, owedSince, poolSize, removePending } from './pool.js';
import type { OrderedOperation } from './ports.js';
import { dropVoidViewChanges } from './rejoin.js';
import {
  areRepliesFull,
  findSession,
  openSession,
  outcomeOf,
  purgeSessions,
  recordOutcome,
  renewSession,
  sessionExpired,
  sessionOf,
  type Session,
} from './sessions.js';
import { noteBatchDone, noteOrdered } from './slow-primary.js';
import type { Body } from './slot.js';
import { dropVerdicts, failedChecksOf, hasVerdicts, verdictOf } from './verdicts.js';

/** Executes every batch that is committed, held and judged, in order. */
export function executeReady(core: Core): void {
  while (!core.isHalted && core.diverged === null) {
    const slot = core.log.slots.get(sequenceNumber(core.log.lastExecuted + 1));
    if (slot === undefined || slot.committed === null) return;
    const body = bodyOf(core.log, slot.committed.digest);
    if (body === undefined) {
      wantBody(core, slot.committed.digest);
      return;
    }
    if (!hasVerdicts(core, body)) return;
    executeBatch(core, body, slot.committed.view ?? core.view);
  }
}

/** The next batch, which is committed, held and judged. */
export function executeBatch(core: Core, body: Body, view: ViewNumber): void {
  const { log, config } = core;
  const wasOverdue = isOverdue(core);
  log.lastExecuted = sequenceNumber(log.lastExecuted + 1);
  core.lastExecutionMs = core.nowMs;
  if (log.highestPrepared < log.lastExecuted) log.highestPrepared = log.lastExecuted;
  core.chain = extendChain(core, body.digest);
  const { time, envelopes } = body;
  if (time !== null && time > core.orderedTime) core.orderedTime = time;
  const effects = new BatchEffects(core);
  // What waits in an ended session must be gone before time or an operation could wake it.
  tellEnded(core, purgeSessions(core.sessions, core.orderedTime));
  core.stateMachine.advanceTime(core.orderedTime, effects);
  effects.flush();
  const isAwaited = poolSize(core.pool) > 0;
  let operationCount = 0;
  for (const envelope of envelopes) {
    const executed = executeEnvelope(core, body, envelope, effects);
    operationCount += executed;
    effects.flush();
    const pending = removePending(core.pool, envelopeKey(envelope));
    noteOrdered(core, envelope, pending, executed, isAwaited);
  }
  noteBatchDone(core);
  effects.end();
  noteExecuted(core, body);
  dropVerdicts(core, body);
  if (envelopes.length > 0) noteProgress(core, wasOverdue);
  if (core.observing?.kind === 'rejoining') core.observing.lastProgressMs = core.nowMs;
  core.outputs.push({
    kind: 'deliver',
    sequenceNumber: log.lastExecuted,
    digest: body.digest,
    view,
    time: core.orderedTime,
    operationCount,
  });
  if (log.lastExecuted % config.checkpointInterval === 0) takeCheckpoint(core);
}

/** So that a restart needs nobody else to execute this again. */
function noteExecuted(core: Core, body: Body): void {
  const { digest, bytes } = body;
  const number = core.log.lastExecuted;
  const isStored = core.log.slots.get(number)?.prePrepared.has(digest) === true;
  const failedChecks = failedChecksOf(core, body);
  persistLazily(core, {
    kind: 'executed',
    sequenceNumber: number,
    digest,
    batch: isStored ? null : bytes,
    failedChecks,
  });
}

/** Timeouts shrink again after progress (TOCS'02 section 4.5.2), if nothing was overdue. */
function noteProgress(core: Core, wasOverdue: boolean): void {
  if (!core.isActive) return;
  core.executedInView += 1;
  if (core.timeoutDoublings > 0 && !wasOverdue) core.timeoutDoublings -= 1;
}

function isOverdue(core: Core): boolean {
  const { requestTimeoutMs } = core.config;
  return core.nowMs - owedSince(core.pool, requestTimeoutMs) >= requestTimeoutMs;
}

const chainTag = encodeUtf8('theodora/chain')!;

function extendChain(core: Core, digest: Digest): Digest {
  return core.authenticator.hash(concatBytes([chainTag, fromHex(core.chain)!, fromHex(digest)!]));
}

function executeEnvelope(core: Core, body: Body, envelope: Envelope, effects: BatchEffects): number {
  switch (envelope.body.kind) {
    case 'open':
      executeOpen(core, envelope.body);
      return 1;
    case 'rejoin':
      executeRejoin(core, envelope.body);
      return 0;
    case 'requests':
      return executeRequests(core, body, envelope.body, effects);
  }
}

/**
 * Void for who is no client, without an answer: that would be one for ever, whereas the same OPEN counts once its client
 * is registered.
 */
function executeOpen(core: Core, open: OpenSession): void {
  if (!isClient(core, open.client)) return;
  const { session, ended } = openSession(core.sessions, open, core.orderedTime, core.config);
  tellEnded(core, ended);
  core.outputs.push({ kind: 'opened', client: open.client, nonce: open.nonce, session });
}

/**
 * Gives the replica its next incarnation; VIEW-CHANGEs of older ones are void from here on. Not before the
 * window of its last REJOIN has passed: a faulty replica must not keep the others busy with its rejoining.
 */
function executeRejoin(core: Core, rejoin: Rejoin): void {
  const last = core.incarnations.get(rejoin.replica);
  if (last !== undefined) {
    const isEarly = core.log.lastExecuted < last.sequenceNumber + core.config.watermarkWindow;
    if (isEarly || rejoin.startedAt <= last.startedAt) return;
  }
  const incarnation = (last?.incarnation ?? 0) + 1;
  core.incarnations.set(rejoin.replica, {
    replica: rejoin.replica,
    incarnation,
    sequenceNumber: core.log.lastExecuted,
    startedAt: rejoin.startedAt,
    nonce: rejoin.nonce,
  });
  dropVoidViewChanges(core);
  event(core, 'rejoin-ordered', {
    replica: rejoin.replica,
    incarnation,
    sequenceNumber: core.log.lastExecuted,
  });
}

function executeRequests(core: Core, body: Body, requests: Requests, effects: BatchEffects): number {
  const session = sessionOf(core.sessions, requests);
  const { client, session: id, operations } = requests;
  if (session === null) {
    const outcomes = operations.map(() => sessionExpired);
    core.outputs.push({ kind: 'reply', client, session: id, firstNumber: requests.firstNumber, outcomes });
    return 0;
  }
  const outcomes: Outcome[] = [];
  let firstNumber = requests.firstNumber;
  let executed = 0;
  for (const [index, operation] of operations.entries()) {
    const number = requests.firstNumber + index;
    if (number < session.lowestUnanswered) {
      firstNumber = number + 1;
      continue;
    }
    const cached = outcomeOf(session, number);
    outcomes.push(cached ?? executeOperation(core, body, session, number, operation, effects));
    if (cached === undefined && session.outcomes.has(number)) executed += 1;
  }
  if (executed > 0 && isOpen(core, session))
    renewSession(core.sessions, session, core.orderedTime, core.config);
  if (outcomes.length > 0) {
    const fresh = executed > 0 ? { lowestUnanswered: session.lowestUnanswered } : {};
    core.outputs.push({ kind: 'reply', client, session: id, firstNumber, outcomes, ...fresh });
  }
  return executed;
}

/** False: an operation before has ended the client. */
const isOpen = ({ sessions }: Core, { id }: Session): boolean => findSession(sessions, id) !== undefined;

/** Of an empty operation: it only renews the session. */
const keptAlive: Outcome = { kind: 'result', result: emptyBytes };

/**
 * A refused operation uses up its number, so that a repetition cannot execute it later; only a number beyond
 * the window cannot be remembered.
 */
function executeOperation(
  core: Core,
  body: Body,
  session: Session,
  number: number,
  operation: Uint8Array,
  effects: BatchEffects,
): Outcome {
  const { config, sessions } = core;
  if (!isOpen(core, session)) return sessionExpired;
  if (number >= session.lowestUnanswered + config.sessionNumbersMax) {
    return { kind: 'refused', code: 'NUMBER_OUT_OF_WINDOW' };
  }
  const isFull = areRepliesFull(sessions, session.client, session.outcomeBytes, config);
  const outcome: Outcome =
    operation.length === 0
      ? keptAlive
      : isFull
        ? { kind: 'refused', code: 'REPLIES_FULL' }
        : runOperation(core, body, session, number, operation, effects);
  // It may have ended its own client; then nobody will ask again.
  if (!isOpen(core, session)) return outcome;
  recordOutcome(sessions, session, number, outcome);
  // A client may have asked for this feed before this replica got to it.
  touchFeed(core.feeds, session.id, number);
  return outcome;
}

function runOperation(
  core: Core,
  body: Body,
  session: Session,
  number: number,
  operation: Uint8Array,
  effects: BatchEffects,
): Outcome {
  const mayWait = session.waiting.size < core.config.sessionWaitsMax;
  const ordered: OrderedOperation = {
    client: session.client,
    session: session.id,
    number,
    operation,
    sequenceNumber: core.log.lastExecuted,
    time: core.orderedTime,
    isVerified: verdictOf(core, body, operation),
    mayWait,
  };
  const result = core.stateMachine.execute(ordered, effects);
  assert(result !== null || mayWait, 'an operation waits although its session has no room for it');
  return result === null ? { kind: 'waiting' } : { kind: 'result', result };
}
