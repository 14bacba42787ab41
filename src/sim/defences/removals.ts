/** Defences taken away, at all replicas or clients alike; each a small change around the real code. */
import { leafDigest, replicaId } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import type { Input, OrderingConfig, OrderingReplica, SigningPurpose } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import type { Tampering } from '../world-options.js';

/** Every quorum has this many members, of n. */
export const quorumOf = (size: (n: number) => number): Tampering => ({
  core: (replica) => {
    const core = replica['core'];
    Object.assign(core, { quorum: size(core.config.n) });
    return replica;
  },
});

/** One replica's word is taken where f+1 are asked for. */
export const oneIsEnough: Tampering = {
  core: (replica) => {
    Object.assign(replica['core'], { weakQuorum: 1 });
    return replica;
  },
};

export const configured = (changes: Partial<OrderingConfig>): Tampering => ({
  core: (replica) => {
    const core = replica['core'];
    Object.assign(core, { config: { ...core.config, ...changes } });
    return replica;
  },
});

const neverMs = 1e12;

/** Nobody ever suspects the primary. */
export const withoutSuspicion: Tampering = configured({
  requestTimeoutMs: neverMs,
  viewChangeTimeoutMaxMs: neverMs,
});

/** Any time that a primary proposes is accepted. */
export const withoutTimeCheck: Tampering = configured({ clockSkewMaxMs: neverMs });

export const withoutWatermarks: Tampering = {
  core: (replica) => {
    Object.assign(replica['core'].log, { window: 1e9 });
    return replica;
  },
};

/** Signatures for this purpose are not looked at. */
export const withoutSignatures = (...purposes: readonly SigningPurpose[]): Tampering => ({
  authenticator: (own) => ({
    ...own,
    verify: (signer, purpose, body, signature) =>
      purposes.includes(purpose) || own.verify(signer, purpose, body, signature),
  }),
});

/** Whoever is named in an envelope is taken for the one who signed it. */
export const withoutEnvelopeSignatures: Tampering = {
  authenticator: (own) => ({ ...own, isAuthentic: () => true }),
};

/** The replica, which hears something else. */
export function hearing(
  replica: OrderingReplica,
  change: (input: Input) => Input,
  after: () => void = () => undefined,
): ReplicaCore {
  return {
    step: (input) => {
      const outputs = replica.step(change(input));
      after();
      return outputs;
    },
    status: () => replica.status(),
    stateDigest: () => replica.stateDigest(),
    validate: () => replica.validate(),
  };
}

/** A replica believes its own NEW-VIEW and VIEW-CHANGE: so it does what is said to come from itself. */
export const believing = (kind: 'newView' | 'viewChange'): Tampering => ({
  core: (replica, id) =>
    hearing(replica, (input) =>
      input.kind === 'message' && input.message.kind === kind ? { ...input, from: id } : input,
    ),
});

/** What a replica hears last counts, whatever it had accepted and voted for before. */
export const lastWordCounts: Tampering = {
  core: (replica) => {
    const { log, authenticator } = replica['core'];
    return hearing(replica, (input) => {
      if (input.kind !== 'message') return input;
      const { from, message } = input;
      if (message.kind === 'prePrepare') {
        const slot = log.slots.get(message.sequenceNumber);
        const digest = authenticator.hash(message.batch);
        const known = slot?.accepted?.digest ?? slot?.proposal?.body.digest ?? digest;
        if (slot?.committed === null && known !== digest) log.slots.delete(message.sequenceNumber);
      }
      if (message.kind === 'prepare') log.slots.get(message.sequenceNumber)?.prepares.delete(from);
      if (message.kind === 'commit') log.slots.get(message.sequenceNumber)?.commits.delete(from);
      return input;
    });
  },
};

/** Votes are counted, not those who vote: a second one of the same replica counts as somebody else's. */
export const votesNotVoters: Tampering = {
  core: (replica) => {
    const { log, config } = replica['core'];
    return hearing(replica, (input) => {
      if (input.kind !== 'message') return input;
      const { from, message } = input;
      if (message.kind !== 'prepare' && message.kind !== 'commit') return input;
      const slot = log.slots.get(message.sequenceNumber);
      const votes = message.kind === 'prepare' ? slot?.prepares : slot?.commits;
      if (votes?.has(from) !== true) return input;
      const ids = Array.from({ length: config.n }, (_, index) => replicaId(index));
      return { ...input, from: ids.find((id) => !votes.has(id)) ?? from };
    });
  },
};

/** A CHECKPOINT of one replica is taken for a certificate. */
export const oneCheckpointIsEnough: Tampering = {
  core: (replica) => {
    const core = replica['core'];
    const usual = core.quorum;
    return hearing(
      replica,
      (input) => {
        if (input.kind === 'message' && input.message.kind === 'checkpoint')
          Object.assign(core, { quorum: 1 });
        return input;
      },
      () => void Object.assign(core, { quorum: usual }),
    );
  },
};

/** What was executed is forgotten at once. */
export const withoutReplyCache: Tampering = {
  core: (replica) =>
    hearing(
      replica,
      (input) => input,
      () => {
        for (const session of replica['core'].sessions.used.values()) session.outcomes.clear();
      },
    ),
};

/** A body that is asked for is taken from whoever sends one, whatever its digest. */
export function withoutBodyDigests(): Tampering {
  const believed = new Map<ReplicaId, { readonly bytes: Uint8Array; readonly digest: string }>();
  return {
    authenticator: (own, id) => ({
      ...own,
      hash: (bytes) => {
        const body = believed.get(id);
        return body?.bytes === bytes ? (body.digest as ReturnType<typeof own.hash>) : own.hash(bytes);
      },
    }),
    core: (replica, id) =>
      hearing(replica, (input) => {
        if (input.kind !== 'message' || input.message.kind !== 'batchBody') return input;
        const [wanted] = replica['core'].wanted.keys();
        if (wanted !== undefined) believed.set(id, { bytes: input.message.batch, digest: wanted });
        return input;
      }),
  };
}

/** Pages of a state are believed whatever their digest, and taken for those that were certified. */
export const withoutPageDigests: Tampering = {
  core: (replica) => {
    const core = replica['core'];
    return hearing(replica, (input) => {
      if (input.kind !== 'message' || input.message.kind !== 'stateNodes') return input;
      const { from } = input;
      const donor = core.transfer?.fetching?.donors.find((each: { id: number }) => each.id === from);
      const asked = [...(donor?.asked.values() ?? [])];
      for (const { level, section, number, data } of input.message.parts) {
        const node = asked.find(
          ({ missing }) =>
            missing?.level === level && missing.section === section && missing.number === number,
        )?.missing;
        if (level !== 'page' || node === undefined || node === null) continue;
        const certified = node.digest;
        const found = leafDigest(core.authenticator.hash, number, data);
        // Compared with what came, and then kept as what was asked for.
        let looks = 0;
        Object.defineProperty(node, 'digest', { get: () => (looks++ === 0 ? found : certified) });
      }
      return input;
    });
  },
};

/** A state is fetched from replica 0 or, by that one, from nobody. */
export const oneDonor: Tampering = {
  core: (replica) =>
    hearing(
      replica,
      (input) => input,
      () => {
        const { transfer } = replica['core'];
        if (transfer === null || transfer.fetching === null) return;
        const donors = transfer.fetching.donors.filter(({ id }: { id: number }) => id === 0);
        Object.assign(transfer.fetching, { donors });
      },
    ),
};

/** A client takes each replica's word for that of all. */
export const gullibleClient: Tampering = {
  client: (core) => {
    const step = core.step.bind(core);
    core.step = (input) => {
      if (input.kind !== 'message') return step(input);
      const outputs = [...step(input)];
      for (let id = 0; id < 10; id++)
        if (id !== input.from) outputs.push(...step({ ...input, from: replicaId(id) }));
      return outputs;
    };
  },
};
