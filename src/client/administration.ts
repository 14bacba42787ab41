/**
 * Administration as the admin calls it: clients and spaces, all of it ordered, so that every later operation knows it
 * (DESIGN section 5). What the service does not let the caller do, it refuses with ADMIN_ONLY.
 */
import { clientId, InvalidInputError, utf8Length } from '../base/index.js';
import type { AdminOperation, PolicyChange as WireChange, Quota, Result } from '../codec/index.js';
import type { ClientRecord, SpaceConfig, SpaceDescription } from '../codec/index.js';
import { checkClientName } from '../crypto/index.js';
import { unexpectedResult } from './failures.js';
import { callOptions, checkNames, checkOptions, checkSpaceName, type CallOptions } from './options.js';
import type { RawCaller } from './raw-caller.js';
import type { Seals } from './seals.js';
import { createConfidentialSpace } from './space-creation.js';

/** A registered client. */
export interface RegisteredClient {
  readonly name: string;
  /** Ed25519, 64 hexadecimal digits. */
  readonly publicKey: string;
  /** Ordered time, ms since the epoch; null: from the cluster's start. */
  readonly addedAt: number | null;
  /** Null: it may use the service. */
  readonly revokedAt: number | null;
  /** Null: it may go on. Else its operations are refused until it is pardoned. */
  readonly blacklisted: ClientBlacklisting | null;
  /** How many of the repairs that it ordered showed nothing. */
  readonly forgedRepairs: number;
}

/** A tuple that it had inserted into a confidential space was no good. */
export interface ClientBlacklisting {
  /** Ordered time, ms since the epoch. */
  readonly time: number;
  readonly space: string;
  /** Id of the entry, which is gone. */
  readonly entry: bigint;
}

/** Upper bounds; null: none but the cluster's own limits. */
export interface SpaceQuota {
  readonly entries: number | null;
  /** Of encoded tuples, and of what is sealed beside them. */
  readonly bytes: number | null;
  /** Operations that wait. */
  readonly waits: number | null;
}

/** What a new space is to be; whatever is left out is open to every registered client, and unbounded. */
export interface SpaceConfiguration {
  /** Who alone may insert, read and take. */
  readonly insert?: readonly string[] | null | undefined;
  readonly readers?: readonly string[] | null | undefined;
  readonly takers?: readonly string[] | null | undefined;
  /** Of all clients together. */
  readonly quota?: Partial<SpaceQuota> | undefined;
  /** Of each client. */
  readonly clientQuota?: Partial<SpaceQuota> | undefined;
  /** Text of a compiled policy module. */
  readonly policy?: string | null | undefined;
  /** Whether replicas see fingerprints only, and tuples are shared out among them; false by default. */
  readonly confidential?: boolean | undefined;
}

export interface SpaceListing {
  readonly name: string;
  readonly entries: number;
  /** SHA-256 of the policy module; null: the space has none. */
  readonly policyDigest: string | null;
  /** Whether its tuples are confidential. */
  readonly confidential: boolean;
}

export interface SpaceInformation extends SpaceListing {
  /** Null: every registered client. */
  readonly insert: readonly string[] | null;
  readonly readers: readonly string[] | null;
  readonly takers: readonly string[] | null;
  readonly quota: SpaceQuota;
  readonly clientQuota: SpaceQuota;
  /** The compiled module in force. */
  readonly policy: string | null;
  /** Of encoded tuples; null: not counted, since there is no quota of them. */
  readonly bytes: number | null;
  readonly waits: number;
  readonly subscriptions: number;
  /** Every policy that the space has had since it was created, oldest first; of many, the latest. */
  readonly changes: readonly PolicyChange[];
}

export interface PolicyChange {
  /** Ordered time, ms since the epoch. */
  readonly time: number;
  readonly by: string;
  /** Null: none from then on. */
  readonly digest: string | null;
}

const configurationOptions = [
  'insert',
  'readers',
  'takers',
  'quota',
  'clientQuota',
  'policy',
  'confidential',
] as const;
/** More than any module has that replicas accept. */
const policyBytesMax = 1 << 18;
const quotaOptions = ['entries', 'bytes', 'waits'] as const;

/** @throws InvalidInputError CLIENT_KEY_INVALID. */
function checkPublicKey(publicKey: unknown, name: string): string {
  if (typeof publicKey === 'string' && /^[0-9a-f]{64}$/.test(publicKey)) return publicKey;
  const message = 'a public key is 64 lower-case hexadecimal digits';
  throw new InvalidInputError('CLIENT_KEY_INVALID', message, { name });
}

/** @throws InvalidInputError INVALID_OPTION. */
function checkBound(bound: unknown, option: string): number | null {
  if (bound === undefined || bound === null) return null;
  if (Number.isSafeInteger(bound) && (bound as number) >= 0) return bound as number;
  throw new InvalidInputError('INVALID_OPTION', `${option} is a whole number from 0 to 2^53 − 1, or null`, {
    option,
  });
}

function checkQuota(quota: Partial<SpaceQuota> | undefined, option: string): Quota {
  checkOptions(quota, quotaOptions, option);
  return {
    entries: checkBound(quota?.entries, `${option}.entries`),
    bytes: checkBound(quota?.bytes, `${option}.bytes`),
    waits: checkBound(quota?.waits, `${option}.waits`),
  };
}

/** @throws InvalidInputError POLICY_INVALID. What the module says, the replicas judge. */
function checkModule(policy: unknown): string | null {
  if (policy === undefined || policy === null) return null;
  const sizeBytes = typeof policy === 'string' ? utf8Length(policy) : -1;
  if (sizeBytes >= 0 && sizeBytes <= policyBytesMax) return policy as string;
  const message = `a policy is the text of a compiled module, at most ${policyBytesMax} bytes`;
  throw new InvalidInputError('POLICY_INVALID', message, { rule: 'size' });
}

function checkConfiguration(
  configuration: SpaceConfiguration | undefined,
): Omit<SpaceConfig, 'confidential'> {
  checkOptions(configuration, configurationOptions, 'the configuration of a space');
  return {
    insert: checkNames(configuration?.insert, 'insert'),
    readers: checkNames(configuration?.readers, 'readers'),
    takers: checkNames(configuration?.takers, 'takers'),
    quota: checkQuota(configuration?.quota, 'quota'),
    clientQuota: checkQuota(configuration?.clientQuota, 'clientQuota'),
    policy: checkModule(configuration?.policy),
  };
}

function toClient(record: ClientRecord): RegisteredClient {
  const { addedAt } = record;
  return { ...record, addedAt: addedAt === 0 ? null : addedAt };
}

function toSpace(description: SpaceDescription): SpaceInformation {
  const { config, changes, keyOrigin, ...described } = description;
  return {
    ...described,
    ...config,
    confidential: keyOrigin !== null,
    changes: changes.map(({ time, by, digest }: WireChange) => ({ time, by, digest })),
  };
}

function spaceIn(result: Result, operation: string): SpaceInformation {
  if (result.kind !== 'space') throw unexpectedResult(operation);
  return toSpace(result.space);
}

function checkConfidential(confidential: unknown): boolean {
  if (confidential === undefined || typeof confidential === 'boolean') return confidential === true;
  throw new InvalidInputError('INVALID_OPTION', 'confidential is true or false', { option: 'confidential' });
}

/** What administration needs of its client. */
export interface AdministrationParts {
  readonly raw: Pick<RawCaller, 'call' | 'callBound'>;
  /** Null: no space can be confidential. */
  readonly seals: Seals | null;
  /** A space of this name has come or gone: what was known of it may not be so any more. */
  spaceChanged(name: string): void;
}

export class Administration {
  readonly #parts: AdministrationParts;

  /** Made by `client.admin`. */
  constructor(parts: AdministrationParts) {
    this.#parts = parts;
  }

  /**
   * Registers a client: from then on it is called `name`, which is never given to another key.
   * @throws InvalidInputError CLIENT_NAME_INVALID, CLIENT_KEY_INVALID; RefusedError NAME_TAKEN, KEY_TAKEN,
   * TOO_MANY_CLIENTS, ADMIN_ONLY; and as any call.
   */
  async addClient(name: string, publicKey: string, options?: CallOptions): Promise<RegisteredClient> {
    checkClientName(name);
    const key = clientId(checkPublicKey(publicKey, name));
    return this.#client({ kind: 'clientAdd', space: '', name, publicKey: key }, options);
  }

  /** Takes a client's right to use the service and ends its sessions, waits and subscriptions. Its entries stay. */
  async revokeClient(name: string, options?: CallOptions): Promise<RegisteredClient> {
    checkClientName(name);
    return this.#client({ kind: 'clientRevoke', space: '', name }, options);
  }

  /** Lifts a client's blacklisting; what led to it stays repaired. Of one that is not blacklisted: as it is. */
  async pardonClient(name: string, options?: CallOptions): Promise<RegisteredClient> {
    checkClientName(name);
    return this.#client({ kind: 'clientPardon', space: '', name }, options);
  }

  /** All clients, those revoked included. */
  async clients(options?: CallOptions): Promise<RegisteredClient[]> {
    const result = await this.#run({ kind: 'clientList', space: '' }, options);
    if (result.kind !== 'clients') throw unexpectedResult('clientList');
    return result.clients.map(toClient);
  }

  /**
   * @throws InvalidInputError INVALID_NAMES and others for the configuration; RefusedError SPACE_EXISTS, INVALID_NAME,
   * NO_SUCH_CLIENT, TOO_MANY_NAMES, TOO_MANY_SPACES, POLICY_INVALID, ADMIN_ONLY; for a confidential space also
   * InvalidInputError SHARING_KEYS_MISSING, SHARING_KEY_INVALID; and as any call.
   */
  async createSpace(
    name: string,
    configuration?: SpaceConfiguration,
    options?: CallOptions,
  ): Promise<SpaceInformation> {
    const config = checkConfiguration(configuration);
    const space = checkSpaceName(name);
    this.#parts.spaceChanged(space);
    if (!checkConfidential(configuration?.confidential))
      return this.#space({ kind: 'spaceCreate', space, config: { ...config, confidential: null } }, options);
    checkOptions(options, callOptions, 'spaceCreate');
    const { raw, seals } = this.#parts;
    return spaceIn(await createConfidentialSpace(raw, seals, space, config, options), 'spaceCreate');
  }

  /** Gives the space another policy, a compiled module, or none; waits and subscriptions that it denies end. */
  async setPolicy(space: string, policy: string | null, options?: CallOptions): Promise<SpaceInformation> {
    const module = checkModule(policy);
    return this.#space({ kind: 'spaceSetPolicy', space: checkSpaceName(space), policy: module }, options);
  }

  /** Deletes the space and all that is in it; resolves with what it was. */
  async deleteSpace(name: string, options?: CallOptions): Promise<SpaceInformation> {
    this.#parts.spaceChanged(name);
    return this.#space({ kind: 'spaceDelete', space: checkSpaceName(name) }, options);
  }

  /** What every client may know of a space. */
  async describeSpace(name: string, options?: CallOptions): Promise<SpaceInformation> {
    return this.#space({ kind: 'spaceShow', space: checkSpaceName(name) }, options);
  }

  /** All spaces, in order of their names. */
  async spaces(options?: CallOptions): Promise<SpaceListing[]> {
    const result = await this.#run({ kind: 'spaceList', space: '' }, options);
    if (result.kind !== 'spaces') throw unexpectedResult('spaceList');
    return result.spaces.map(({ name, entries, policyDigest, confidential }) => ({
      ...{ name, entries, policyDigest, confidential },
    }));
  }

  async #run(operation: AdminOperation, options: CallOptions | undefined): Promise<Result> {
    checkOptions(options, callOptions, operation.kind);
    return (await this.#parts.raw.call(operation, false, options)).result;
  }

  async #client(operation: AdminOperation, options: CallOptions | undefined): Promise<RegisteredClient> {
    const result = await this.#run(operation, options);
    if (result.kind !== 'client') throw unexpectedResult(operation.kind);
    return toClient(result.client);
  }

  async #space(operation: AdminOperation, options: CallOptions | undefined): Promise<SpaceInformation> {
    return spaceIn(await this.#run(operation, options), operation.kind);
  }
}
