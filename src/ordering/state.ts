/**
 * The replicated state as checkpoint pages: the ordering layer's own (a header and a page a session) and the
 * application's, under one digest that CHECKPOINT messages sign.
 */
import { assert, PageTree, sequenceNumber, type Digest, type SequenceNumber } from '../base/index.js';
import {
  decodeHeaderPage,
  decodeSessionPage,
  encodeHeaderPage,
  stateDigestOf,
  type HeaderPage,
  type SessionPage,
} from '../codec/index.js';
import type { Core, Snapshot } from './core.js';
import { restoreSessions, writeSessionPages } from './sessions.js';

export const protocolVersion = 3;

const headerPage = 0;

function header(core: Core): HeaderPage {
  return {
    protocolVersion,
    stateMachineVersion: core.stateMachine.version,
    lastExecuted: core.log.lastExecuted,
    orderedTime: core.orderedTime,
    chain: core.chain,
    lastSession: core.sessions.lastSession,
    incarnations: [...core.incarnations.values()].sort((a, b) => a.replica - b.replica),
  };
}

/** The state after the last executed batch; costs what changed since the last call. */
export function takeSnapshot(core: Core): Snapshot {
  writeSessionPages(core.sessions, core.tree, (id) => id);
  core.tree.put(headerPage, encodeHeaderPage(header(core)));
  const ordering = core.tree.snapshot();
  const application = core.stateMachine.checkpoint();
  const { hash } = core.authenticator;
  return { stateDigest: stateDigestOf(hash, ordering.root, application.root), ordering, application };
}

/** A certified state as its pages. */
export interface StatePages {
  readonly ordering: ReadonlyMap<number, Uint8Array>;
  readonly application: ReadonlyMap<number, Uint8Array>;
}

/** The state that the pages hold; null unless its digest is the certified one. */
export function checkState(core: Core, pages: StatePages, stateDigest: Digest): StatePages | null {
  const { hash } = core.authenticator;
  const [ordering, application] = [pages.ordering, pages.application].map((part) => {
    const tree = new PageTree(hash);
    tree.reset(part);
    return tree.snapshot().root;
  });
  return stateDigestOf(hash, ordering!, application!) === stateDigest ? pages : null;
}

/** The header of a certified state; of another protocol version everything else may look different. */
function headerOf({ ordering }: StatePages): HeaderPage {
  const page = ordering.get(headerPage);
  const decoded = page === undefined ? null : decodeHeaderPage(page);
  assert(decoded !== null, 'a certified state has no header');
  return decoded;
}

function sessionsOf({ ordering }: StatePages): SessionPage[] {
  const sessions: SessionPage[] = [];
  for (const [number, data] of ordering) {
    if (number === headerPage) continue;
    const session = decodeSessionPage(data);
    assert(session !== null, 'a certified session page does not decode');
    sessions.push(session);
  }
  return sessions;
}

/** Whether this code gives equal results for equal operations on it. */
export function isOfThisVersion(core: Core, pages: StatePages): boolean {
  const { protocolVersion: protocol, stateMachineVersion } = headerOf(pages);
  return protocol === protocolVersion && stateMachineVersion === core.stateMachine.version;
}

/** Replaces the replicated state by a certified one. */
export function installState(core: Core, at: SequenceNumber, state: StatePages): void {
  const { lastExecuted, orderedTime, chain, incarnations, lastSession } = headerOf(state);
  assert(lastExecuted === at, 'a certified state is of another sequence number');
  core.log.lastExecuted = at;
  core.log.highestPrepared = sequenceNumber(Math.max(core.log.highestPrepared, at));
  core.orderedTime = orderedTime;
  core.chain = chain;
  core.incarnations.clear();
  for (const record of incarnations) core.incarnations.set(record.replica, record);
  core.sessions = restoreSessions(sessionsOf(state), lastSession);
  core.tree.reset(state.ordering);
  core.stateMachine.restore(state.application);
}
