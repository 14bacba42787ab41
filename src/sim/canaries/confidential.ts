/** Bugs in what protects confidential tuples (DESIGN section 7); random runs have to meet them. */
import { clientId, replicaId, type ClientId, type ReplicaId } from '../../base/index.js';
import { decodeEvent, decodeOperation, decodeResult, decodeSealedTuple } from '../../codec/index.js';
import { encodeEvent, encodeOperation, encodeResult, encodeSealedTuple } from '../../codec/index.js';
import type { Entry, EntryShare, Operation } from '../../codec/index.js';
import { associatedBytes, subjectsOfEvent, subjectsOfResult } from '../../confidential/index.js';
import type { ConfidentialCluster, SealedSubject } from '../../confidential/index.js';
import { combineShares, commitToKey, deriveSealKey, unseal } from '../../crypto/index.js';
import type { ClientCore, ClientOutput, Shares } from '../../client/index.js';
import type { Effects, OrderedOperation, StateMachine } from '../../ordering/index.js';
import { firstShares } from '../confidential/outlaw.js';
import { runConfidential, type ConfidentialOptions } from '../confidential/run.js';
import type { ShareSeat, ShareTampering } from '../sharing.js';
import { altered } from './altered.js';
import { metBy, type Canary } from './canary.js';

const met = (
  options: Omit<ConfidentialOptions, 'seed' | 'tampering' | 'shareTampering'>,
  bug: () => Pick<ConfidentialOptions, 'tampering' | 'shareTampering'>,
  seedsMax: number,
): ReturnType<typeof metBy> =>
  metBy((seed, hasBug) => runConfidential({ ...options, ...(hasBug ? bug() : {}), seed }), seedsMax);

/** Whatever was dealt to the replica, as if its part had verified. */
function unverified({ sealed }: SealedSubject, { replica, key, random }: ShareSeat): EntryShare {
  const dealt = decodeSealedTuple(sealed.bytes)?.dealing.encryptedShares[replica];
  if (dealt === undefined) return { kind: 'badPart' };
  try {
    return { kind: 'share', ...key.decrypt(new Uint8Array(32), replica + 1, dealt, random) };
  } catch {
    // No point.
    return { kind: 'badPart' };
  }
}

const sharingBlindly: ShareTampering = (shares, seat, { kind, bytes }) => {
  const subjects = kind === 'event' ? subjectsOfEvent(bytes) : subjectsOfResult(bytes);
  return shares.map((share, at) => (share.kind === 'share' ? share : unverified(subjects[at]!, seat)));
};

export const blindShares: Canary = {
  name: 'blind-shares',
  bug: 'replicas give shares without verifying their part, so that a copied dealing opens',
  checkers: ['secrecy'],
  ...met({ faults: [] }, () => ({ shareTampering: sharingBlindly }), 16),
};

export const unjudgedRepair: Canary = {
  name: 'unjudged-repair',
  bug: 'the service repairs whatever it is asked to, proven or not',
  checkers: ['blacklists'],
  ...met(
    { faults: [] },
    () => ({
      tampering: {
        service: (machine) =>
          altered(machine, {
            execute: (ordered, effects) => machine.execute({ ...ordered, isVerified: true }, effects),
          }),
      },
    }),
    16,
  ),
};

/** Pardons everybody, as a replica would do that does not find the list in the state it takes over. */
function forgetful(
  machine: StateMachine,
  known: { admin: ClientId | null; listed: Set<string> },
): StateMachine {
  let isRestored = false;
  const pardon = (ordered: OrderedOperation, effects: Effects): void => {
    isRestored = false;
    if (known.admin === null) return;
    for (const name of known.listed) {
      const operation = encodeOperation({ kind: 'clientPardon', space: '', name });
      machine.execute({ ...ordered, client: known.admin, operation }, effects);
    }
  };
  return altered(machine, {
    restore: (pages) => {
      machine.restore(pages);
      isRestored = true;
    },
    execute: (ordered, effects) => {
      if (isRestored) pardon(ordered, effects);
      const bytes = machine.execute(ordered, effects);
      const result = bytes === null ? null : decodeResult(bytes);
      if (result?.kind === 'space') known.admin = ordered.client;
      if (result?.kind === 'repaired') known.listed.add(result.owner);
      return bytes;
    },
  });
}

export const forgottenBlacklist: Canary = {
  name: 'forgotten-blacklist',
  bug: 'the blacklist is not in the checkpoint',
  checkers: ['agreement', 'blacklists', 'state-digests'],
  ...met(
    { faults: ['crash', 'blackout'] },
    () => {
      const known = { admin: null, listed: new Set<string>() };
      return { tampering: { stateMachine: (machine) => forgetful(machine, known) } };
    },
    32,
  ),
};

/** Blacklists again for what was repaired before. */
function unforgiving(machine: StateMachine): StateMachine {
  const owners = new Map<ClientId, string>();
  const repaired = new Set<bigint>();
  const listed = new Set<string>();
  const isBarred = (client: ClientId, operation: Operation | null): boolean =>
    operation !== null && operation.kind !== 'cancel' && listed.has(owners.get(client) ?? '');
  return altered(machine, {
    execute: (ordered, effects) => {
      const operation = decodeOperation(ordered.operation);
      if (isBarred(ordered.client, operation))
        return encodeResult({ kind: 'refused', code: 'CLIENT_BLACKLISTED', detail: 0 });
      const bytes = machine.execute(ordered, effects);
      const result = bytes === null ? null : decodeResult(bytes);
      if (operation?.kind === 'out' && result?.kind === 'entry' && result.entry !== null)
        owners.set(clientId(ordered.client), result.entry.owner);
      if (operation?.kind === 'clientPardon') listed.delete(operation.name);
      if (result?.kind === 'repaired' && repaired.has(result.id)) listed.add(result.owner);
      if (result?.kind === 'repaired') repaired.add(result.id);
      return bytes;
    },
  });
}

export const undonePardon: Canary = {
  name: 'undone-pardon',
  bug: 'showing again what was repaired before undoes a pardon',
  checkers: ['blacklists'],
  ...met({ faults: [] }, () => ({ tampering: { service: unforgiving } }), 32),
};

/** Every word counts as said by the next replica, too, which gave no share. */
function contented(core: ClientCore): void {
  const step = core.step.bind(core);
  core.step = (input) => {
    const outputs = step(input);
    if (input.kind !== 'message') return outputs;
    const { message } = input;
    if (message.kind !== 'reply' && message.kind !== 'readReply') return outputs;
    const { shares: _, ...alone } = message;
    const from = replicaId((input.from + 1) % 4);
    return [...outputs, ...step({ ...input, from, message: alone })];
  };
}

export const fewShares: Canary = {
  name: 'few-shares',
  bug: 'a reader believes what comes with fewer shares than a quorum gives',
  checkers: ['opened-tuples'],
  ...met({ n: 4, faults: ['byzantine'] }, () => ({ tampering: { client: contented } }), 32),
};

/** The key that a reader combines, whose commitment it does not look at, if it opens what is sealed. */
function keyOf(
  cluster: ConfidentialCluster,
  { sealed, subject }: SealedSubject,
  replies: readonly (readonly [ReplicaId, EntryShare])[],
): Uint8Array | null {
  const { group, shareholders } = cluster;
  const shares = replies.flatMap(([replica, share]) =>
    share.kind === 'share' ? [{ index: replica + 1, point: share.point }] : [],
  );
  const decoded = decodeSealedTuple(sealed.bytes);
  if (decoded === null || shares.length < shareholders.threshold) return null;
  const secret = combineShares(group, shareholders.threshold, shares.slice(0, shareholders.threshold));
  if (secret === null) return null;
  const key = deriveSealKey(secret);
  return unseal(key, decoded.ciphertext, associatedBytes(cluster, sealed, subject)) === null ? null : key;
}

/** What is sealed with whatever commitment the reader's key has, in the place of the dealer's. */
function recommitted(cluster: ConfidentialCluster, shares: Shares | undefined): (entry: Entry) => Entry {
  return (entry) => {
    const { sealed, tuple: fingerprint } = entry;
    const replies = [...firstShares(shares ?? new Map())];
    if (sealed === undefined) return entry;
    const key = keyOf(cluster, { sealed, subject: { kind: 'tuple', fingerprint } }, replies);
    if (key === null) return entry;
    const decoded = decodeSealedTuple(sealed.bytes)!;
    const bytes = encodeSealedTuple({ ...decoded, keyCommitment: commitToKey(key) });
    return { ...entry, sealed: { ...sealed, bytes } };
  };
}

/** Of results with one entry and events; those with more are read as they should be. */
function carelessReader(core: ClientCore, clusterOf: () => ConfidentialCluster | null): void {
  const step = core.step.bind(core);
  const careless = (output: ClientOutput): ClientOutput => {
    const cluster = clusterOf();
    if (cluster === null) return output;
    if (output.kind === 'feedEvent') {
      const event = decodeEvent(output.data);
      if (event === null || !('entry' in event)) return output;
      const entry = recommitted(cluster, output.shares)(event.entry);
      return { ...output, data: encodeEvent({ ...event, entry }) };
    }
    if (output.kind !== 'done' || output.outcome.kind !== 'result') return output;
    const { outcome } = output;
    const result = decodeResult(outcome.result);
    if ((result?.kind !== 'entry' && result?.kind !== 'cas') || result.entry === null) return output;
    const entry = recommitted(cluster, outcome.shares)(result.entry);
    return { ...output, outcome: { ...outcome, result: encodeResult({ ...result, entry }) } };
  };
  core.step = (input) => step(input).map(careless);
}

export const uncommittedKey: Canary = {
  name: 'uncommitted-key',
  bug: 'a reader ignores the commitment to the key, and takes whatever the shares that it got open',
  checkers: ['opened-tuples'],
  ...met(
    { n: 4, faults: ['byzantine'] },
    () => {
      let cluster: ConfidentialCluster | null = null;
      return {
        shareTampering: (shares, seat) => {
          cluster = seat.cluster;
          return shares;
        },
        tampering: { client: (core) => carelessReader(core, () => cluster) },
      };
    },
    32,
  ),
};
