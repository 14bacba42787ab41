/**
 * What is in a snapshot of the tuple space: told by the service itself, given that state. Whoever can read it can also
 * start from it.
 */
import { InvalidInputError, sessionId } from '../base/index.js';
import {
  decodeHeaderPage,
  decodeResult,
  encodeOperation,
  type Operation,
  type Result,
} from '../codec/index.js';
import type { Snapshot } from '../client/index.js';
import { sha256, type ClusterDescription } from '../crypto/index.js';
import { protocolVersion } from '../ordering/index.js';
import { createService, type Service } from '../service/index.js';

export interface SnapshotContents {
  /** Ms since the epoch. */
  readonly orderedTime: number;
  readonly entries: number;
  readonly spaces: number;
  /** Those revoked not counted. */
  readonly clients: number;
}

const headerPage = 0;

/** @throws InvalidInputError SNAPSHOT_VERSION_UNKNOWN. */
export function contentsOf(
  { ordering, application }: Snapshot,
  cluster: ClusterDescription,
  path: string,
): SnapshotContents {
  const page = ordering.pages.get(headerPage);
  const header = page === undefined ? null : decodeHeaderPage(page);
  const { clients } = cluster;
  const service = createService({ hash: sha256, clients });
  const isKnown =
    header !== null &&
    header.protocolVersion === protocolVersion &&
    header.stateMachineVersion === service.version;
  if (!isKnown) {
    throw new InvalidInputError(
      'SNAPSHOT_VERSION_UNKNOWN',
      `${path}: intact, but the state of another version of the protocol or the tuple space. Use the release that saved it.`,
      { path },
    );
  }
  const { orderedTime } = header;
  service.restore(application.pages);
  const ask = (operation: Operation): Result => askAsAdmin(service, cluster, operation, orderedTime);
  const spaces = ask({ kind: 'spaceList', space: '' });
  const known = ask({ kind: 'clientList', space: '' });
  let entries = 0;
  if (spaces.kind === 'spaces') for (const space of spaces.spaces) entries += space.entries;
  return {
    orderedTime,
    entries,
    spaces: spaces.kind === 'spaces' ? spaces.spaces.length : 0,
    clients:
      known.kind === 'clients' ? known.clients.filter(({ revokedAt }) => revokedAt === null).length : 0,
  };
}

function askAsAdmin(
  service: Service,
  { clients }: ClusterDescription,
  operation: Operation,
  time: number,
): Result {
  const client = clients.find(({ name }) => name === 'admin')!.publicKey;
  const request = { client, session: sessionId(0), number: 0, time, mayWait: false, isVerified: true };
  const nothing = { resolve: () => false, notify: () => undefined, endClient: () => undefined };
  return decodeResult(service.execute({ ...request, operation: encodeOperation(operation) }, nothing)!)!;
}
