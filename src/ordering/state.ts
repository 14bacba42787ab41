/**
 * The replicated state as checkpoint pages: the ordering layer's own (a header and a page a session) and the
 * application's, under one digest that CHECKPOINT messages sign.
 */
import {
  assert,
  concatBytes,
  encodeUtf8,
  fromHex,
  PageTree,
  sequenceNumber,
  type Digest,
  type HashFunction,
  type SequenceNumber,
} from '../base/index.js';
import {
  decodeHeaderPage,
  decodeSessionPage,
  decodeStateTransfer,
  encodeHeaderPage,
  encodeStateTransfer,
  type HeaderPage,
  type SessionPage,
} from '../codec/index.js';
import type { Core, Snapshot } from './core.js';
import { restoreSessions, writeSessionPages } from './sessions.js';

export const protocolVersion = 2;

const headerPage = 0;
const stateTag = encodeUtf8('theodora/state')!;

/** What a CHECKPOINT signs, from the roots over both sections. */
export function stateDigestOf(hash: HashFunction, ordering: Digest, application: Digest): Digest {
  return hash(concatBytes([stateTag, fromHex(ordering)!, fromHex(application)!]));
}

const rootDigest = (core: Core, ordering: Digest, application: Digest): Digest =>
  stateDigestOf(core.authenticator.hash, ordering, application);

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
  return { stateDigest: rootDigest(core, ordering.root, application.root), ordering, application };
}

/** One byte string for a state transfer. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const pages = [snapshot.ordering, snapshot.application].flatMap((part, index) =>
    [...part.pages]
      .sort((a, b) => a[0] - b[0])
      .map(([number, data]) => ({ section: index as 0 | 1, number, data })),
  );
  return encodeStateTransfer(pages);
}

interface DecodedState {
  readonly header: HeaderPage;
  readonly sessions: readonly SessionPage[];
  readonly ordering: ReadonlyMap<number, Uint8Array>;
  readonly application: ReadonlyMap<number, Uint8Array>;
}

/** Decodes a transferred state; null unless its digest is the certified one. */
export function decodeSnapshot(core: Core, bytes: Uint8Array, stateDigest: Digest): DecodedState | null {
  const pages = decodeStateTransfer(bytes);
  if (pages === null) return null;
  const parts = [new Map<number, Uint8Array>(), new Map<number, Uint8Array>()] as const;
  for (const page of pages) parts[page.section].set(page.number, page.data);
  return checkState(core, ...parts, stateDigest);
}

/** The state that the pages hold; null unless its digest is the certified one. */
export function checkState(
  core: Core,
  ordering: ReadonlyMap<number, Uint8Array>,
  application: ReadonlyMap<number, Uint8Array>,
  stateDigest: Digest,
): DecodedState | null {
  const [orderingRoot, applicationRoot] = [ordering, application].map((part) => {
    const tree = new PageTree(core.authenticator.hash);
    tree.reset(part);
    return tree.snapshot().root;
  });
  if (rootDigest(core, orderingRoot!, applicationRoot!) !== stateDigest) return null;
  const sessions: SessionPage[] = [];
  let decodedHeader: HeaderPage | null = null;
  for (const [number, data] of ordering) {
    if (number === headerPage) {
      decodedHeader = decodeHeaderPage(data);
      continue;
    }
    const session = decodeSessionPage(data);
    assert(session !== null, 'a certified session page does not decode');
    sessions.push(session);
  }
  assert(decodedHeader !== null, 'a certified state has no header');
  return { header: decodedHeader, sessions, ordering, application };
}

/** Whether this code gives equal results for equal operations on it. */
export const isOfThisVersion = (
  core: Core,
  { header: { protocolVersion: protocol, ...rest } }: DecodedState,
): boolean => protocol === protocolVersion && rest.stateMachineVersion === core.stateMachine.version;

/** Replaces the replicated state by a certified one. */
export function installState(core: Core, at: SequenceNumber, state: DecodedState): void {
  assert(state.header.lastExecuted === at, 'a certified state is of another sequence number');
  core.log.lastExecuted = at;
  core.log.highestPrepared = sequenceNumber(Math.max(core.log.highestPrepared, at));
  core.orderedTime = state.header.orderedTime;
  core.chain = state.header.chain;
  core.incarnations.clear();
  for (const record of state.header.incarnations) core.incarnations.set(record.replica, record);
  core.sessions = restoreSessions(state.sessions, state.header.lastSession);
  core.tree.reset(state.ordering);
  core.stateMachine.restore(state.application);
}
