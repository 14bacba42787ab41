/** Bugs in who may do what (DESIGN section 5), at all replicas alike but for the last; random runs have to meet them. */
import { InvalidInputError } from '../../base/index.js';
import type { Digest } from '../../base/index.js';
import {
  decodeOperation,
  decodeResult,
  encodeOperation,
  encodeResult,
  withOwnTuple,
} from '../../codec/index.js';
import type { ClientRecord, Operation, Result, SpaceDescription, Template } from '../../codec/index.js';
import type { Effects, OrderedOperation, StateMachine } from '../../ordering/index.js';
import { loadPolicy, ruleNames } from '../../policy/index.js';
import { sha256 } from '../authenticator.js';
import { isMatch } from '../checkers/tuple-space-model.js';
import type { Tampering } from '../world-options.js';
import { altered } from './altered.js';
import { met } from './canary.js';
import type { Canary } from './canary.js';

const canary = (name: string, bug: string, checker: string, tampering: Tampering): Canary => ({
  name,
  bug,
  checkers: [checker],
  ...met({ guards: true, operations: 12, faults: [] }, tampering, 64),
});

type Execute = (operation: Operation, ordered: OrderedOperation, effects: Effects) => Uint8Array | null;

/** The machine, which executes what it can read in another way. */
function executing(machine: StateMachine, execute: Execute): StateMachine {
  return altered(machine, {
    execute: (ordered, effects) => {
      const operation = decodeOperation(ordered.operation);
      return operation === null ? machine.execute(ordered, effects) : execute(operation, ordered, effects);
    },
  });
}

const resultOf = (bytes: Uint8Array | null): Result | null => (bytes === null ? null : decodeResult(bytes));

const allowing = `import { definePolicy } from "theodora/policy";
export default definePolicy({ ${ruleNames.map((name) => `${name}: true`).join(', ')} });
`;

function digestOf(policy: string): Digest | null {
  try {
    return loadPolicy(policy, sha256).digest;
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
}

/** Spaces get policies that allow everything, and are described as if they had their own. */
class Substitution {
  readonly #originals = new Map<Digest, { readonly policy: string; readonly digest: Digest }>();

  substitute(policy: string | null): string | null {
    const digest = policy === null ? null : digestOf(policy);
    if (policy === null || digest === null) return policy;
    const substitute = `${allowing}// ${digest}\n`;
    this.#originals.set(digestOf(substitute)!, { policy, digest });
    return substitute;
  }

  original(result: Result | null): Result | null {
    const digest = (one: Digest | null): Digest | null =>
      one === null ? null : (this.#originals.get(one)?.digest ?? one);
    const described = (space: SpaceDescription): SpaceDescription => {
      const own = space.policyDigest === null ? undefined : this.#originals.get(space.policyDigest);
      const config = { ...space.config, policy: own?.policy ?? space.config.policy };
      const changes = space.changes.map((change) => ({ ...change, digest: digest(change.digest) }));
      return { ...space, config, changes, policyDigest: digest(space.policyDigest) };
    };
    if (result?.kind === 'space') return { ...result, space: described(result.space) };
    if (result?.kind !== 'spaces') return result;
    const spaces = result.spaces.map((one) => ({ ...one, policyDigest: digest(one.policyDigest) }));
    return { ...result, spaces };
  }
}

export const skippedPolicy = canary('skipped-policy', 'policies are not asked', 'guards', {
  service: (machine) => {
    const substitution = new Substitution();
    return executing(machine, (operation, ordered, effects) => {
      let changed = operation;
      if (operation.kind === 'spaceSetPolicy')
        changed = { ...operation, policy: substitution.substitute(operation.policy) };
      if (operation.kind === 'spaceCreate') {
        const policy = substitution.substitute(operation.config.policy);
        changed = { ...operation, config: { ...operation.config, policy } };
      }
      const bytes = machine.execute({ ...ordered, operation: encodeOperation(changed) }, effects);
      const result = substitution.original(resultOf(bytes));
      return result === null ? bytes : encodeResult(result);
    });
  },
});

/** A wait that the machine has not ended. */
interface Waiting {
  readonly ordered: OrderedOperation;
  readonly space: string;
  readonly template: Template;
}

export const heedlessWake = canary(
  'heedless-wake',
  'whoever waits to read gets an entry that is for other readers',
  'guards',
  {
    service: (machine) => {
      const waiting: Waiting[] = [];
      return executing(machine, (operation, ordered, effects) => {
        const bytes = machine.execute(ordered, effects);
        if (operation.kind === 'rd' && bytes === null)
          waiting.push({ ordered, space: operation.space, template: operation.template });
        const result = operation.kind === 'out' || operation.kind === 'cas' ? resultOf(bytes) : null;
        const isInserted = result?.kind === 'entry' || (result?.kind === 'cas' && result.inserted);
        const told = isInserted ? withOwnTuple(operation, result) : null;
        const entry = told?.kind === 'entry' || told?.kind === 'cas' ? told.entry : null;
        if (entry?.readers === undefined) return bytes;
        const isWoken = ({ space, template }: Waiting): boolean =>
          space === operation.space && isMatch(template, entry.tuple);
        for (const { ordered: wait } of waiting.filter(isWoken)) {
          const { client, session, number } = wait;
          const cancel = { kind: 'cancel', space: operation.space, session, number } as const;
          const resolve: Effects['resolve'] = (...[its, of]) =>
            effects.resolve(its, of, encodeResult({ kind: 'entry', entry }));
          // Whoever has been woken already does not wait any more.
          const request = { ...ordered, client, operation: encodeOperation(cancel) };
          machine.execute(request, { ...silent, resolve });
        }
        return bytes;
      });
    },
  },
);

const silent: Effects = { resolve: () => true, notify: () => undefined, endClient: () => undefined };

export const undeadClient = canary('undead-client', 'a client that was revoked goes on', 'guards', {
  service: (machine) => {
    const revoked = new Map<string, ClientRecord>();
    return executing(machine, (operation, ordered, effects) => {
      const isRevocation = operation.kind === 'clientRevoke' && operation.name !== 'admin';
      if (!isRevocation && operation.kind !== 'clientList') return machine.execute(ordered, effects);
      const list = encodeOperation({ kind: 'clientList', space: '' });
      const listed = resultOf(machine.execute({ ...ordered, operation: list }, effects));
      if (listed?.kind !== 'clients') return machine.execute(ordered, effects);
      if (isRevocation) {
        const client = listed.clients.find(({ name }) => name === operation.name);
        if (client === undefined) return machine.execute(ordered, effects);
        const record = revoked.get(client.name) ?? { ...client, revokedAt: ordered.time };
        revoked.set(client.name, record);
        return encodeResult({ kind: 'client', client: record });
      }
      const clients = listed.clients.map((one) => revoked.get(one.name) ?? one);
      return encodeResult({ kind: 'clients', clients });
    });
  },
});

/** What has no deadline gets another time only as far as policies see it. */
const isTimeless = (operation: Operation): boolean =>
  ('lease' in operation && operation.lease === null) || operation.kind === 'rdp' || operation.kind === 'inp';

export const ownClockPolicy = canary(
  'own-clock-policy',
  "policies are asked with each replica's clock instead of ordered time",
  'agreement',
  {
    stateMachine: (machine, replica) =>
      executing(machine, (operation, ordered, effects) => {
        const time = ordered.time + (isTimeless(operation) ? replica : 0);
        return machine.execute({ ...ordered, time }, effects);
      }),
  },
);
