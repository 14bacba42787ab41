/** Defences against malicious clients taken away. */
import { assert } from '../../base/index.js';
import { decodeOperation } from '../../codec/index.js';
import { defaultOrderingConfig, type StateMachine } from '../../ordering/index.js';
import { createService } from '../../service/index.js';
import { sha256 } from '../authenticator.js';
import type { WaitLimits } from '../checkers/waiting.js';
import { leaseLimitsOf } from '../parameters.js';
import type { Tampering } from '../world-options.js';
import { withoutEnvelopeSignatures } from './removals.js';

/** A simulated signature is a digest and as many zeros. */
const digestBytes = 32;

/** MAC vectors in place of signatures: a replica can judge its own part alone. */
export const macVectors: Tampering = {
  authenticator: (own, id) => ({
    ...own,
    isAuthentic: (envelope) => {
      const { signature } = envelope;
      if (signature?.[digestBytes + id] !== 0) return false;
      const whole = Uint8Array.from(signature, (byte, at) => (at < digestBytes ? byte : 0));
      return own.isAuthentic({ ...envelope, signature: whole });
    },
  }),
};

/** Whoever has a stream may speak for anybody on it, under any signature. */
export const anybodySpeaks: Tampering = { ...withoutEnvelopeSignatures, isDoorOpen: true };

/** A client's turn ends when nothing of it waits any more. */
export const endlessTurns: Tampering = {
  core: (replica) => {
    const { turns } = replica['core'].pool;
    const remove = turns.delete.bind(turns);
    turns.delete = (id: string) => (turns.get(id)?.waiting.size ?? 0) === 0 && remove(id);
    return replica;
  },
};

/** An operation that does not decode is taken for a bug of the replica. */
export const trustedBytes: Tampering = {
  stateMachine: (machine) => {
    const execute = machine.execute.bind(machine);
    machine.execute = (ordered, effects) => {
      assert(decodeOperation(ordered.operation) !== null, 'an operation does not decode');
      return execute(ordered, effects);
    };
    return machine;
  },
};

/** The service with other limits than scenarios set. */
export const limited = (changes: Partial<WaitLimits>): Tampering => {
  const { clockSkewMaxMs } = defaultOrderingConfig;
  const usual = { ...leaseLimitsOf(clockSkewMaxMs), eventsPerSpaceMax: 65_536, waitsPerClientMax: 16_384 };
  const limits = { ...usual, ...changes };
  return { service: (): StateMachine => createService({ hash: sha256, limits, clockSkewMaxMs }) };
};
