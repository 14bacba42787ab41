/**
 * A deliberate bug in the protocol, in a few lines around the real code, which the search itself has to find: random runs, mutations
 * and Twins, from seed 1 on, with nothing arranged for it (`npm run sim:canaries`). What has a script of its own is a canary.
 */
import type { PeerMessage } from '../../codec/index.js';
import type { Input } from '../../ordering/index.js';
import type { Canary } from '../canaries/canary.js';
import { hearing } from '../defences/removals.js';
import type { Tampering } from '../world-options.js';

export interface ProtocolBug {
  readonly name: string;
  /** What is wrong, in a line. */
  readonly bug: string;
  /** Each call is for one run. */
  readonly tampering: () => Tampering;
}

type Replica = Parameters<NonNullable<Tampering['core']>>[0];
/** The state of the ordering layer. */
export type Core = Replica['core'];

export interface Changes {
  readonly start?: () => void;
  readonly before?: (input: Input) => Input;
  readonly after?: (input: Input) => void;
}

/** Every replica, with something done before and after each step. */
export const around = (changes: (core: Core) => Changes): Tampering => ({
  core: (replica) => {
    const { start, before = (input) => input, after } = changes(replica['core']);
    start?.();
    let last: Input | null = null;
    return hearing(
      replica,
      (input) => (last = before(input)),
      () => {
        if (last !== null) after?.(last);
      },
    );
  },
});

/** While this kind of message is looked at, one replica's word is taken where f+1 are asked for. */
export const oneIsEnoughFor = (kind: PeerMessage['kind']): Tampering =>
  around((core) => {
    const usual = core.weakQuorum;
    return {
      before: (input) => {
        const isIt = input.kind === 'message' && input.message.kind === kind;
        Object.assign(core, { weakQuorum: isIt ? 1 : usual });
        return input;
      },
      after: () => void Object.assign(core, { weakQuorum: usual }),
    };
  });

/** That of a canary that random runs meet too. */
export const tamperingOf = ({ tampering }: Pick<Canary, 'tampering'>): (() => Tampering) => tampering!;

export const bug = (name: string, what: string, tampering: () => Tampering): ProtocolBug => ({
  name,
  bug: what,
  tampering,
});
