/**
 * `connect`: from a cluster file and a name to a client that f+1 replicas have welcomed. Fewer cannot decide
 * anything, so less than that is an error that says of each replica why.
 */
import { randomBytes } from 'node:crypto';
import { InvalidInputError, RefusedError, UnavailableError } from '../base/index.js';
import { createSealer } from '../crypto/index.js';
import { Client } from './client.js';
import { ClientCore } from './core.js';
import { createDial } from './dial.js';
import { Driver } from './driver.js';
import { describeProblems } from './failures.js';
import { loadIdentity, type Identity, type IdentitySource } from './identity.js';
import { Links, type LinksEvents, type ReplicaStatus } from './links.js';
import { checkOptions, checkSignal, checkTimeout } from './options.js';
import type { ClientSettings } from './settings.js';

export interface ConnectOptions extends IdentitySource {
  /** For connecting, and the default of each call; default 10,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** Ends connecting with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const defaultTimeoutMs = 10_000;
const connectOptions = ['cluster', 'identity', 'keys', 'timeoutMs', 'signal'] as const;
/** Notices that mean this client rather than the moment. */
const lastingNotices = ['UNKNOWN_CLIENT', 'HELLO_REFUSED', 'TOO_MANY_STREAMS'] as const;

const noticeRemedies: Readonly<Record<(typeof lastingNotices)[number], string>> = {
  UNKNOWN_CLIENT:
    'they do not know this identity, or not any more; the admin can add one with `theodora client add`',
  HELLO_REFUSED: 'they do not accept its signature; do both sides use the same cluster file?',
  TOO_MANY_STREAMS: 'this identity has too many connections; close clients that are not needed',
};

export function checkConnectOptions(
  options: ConnectOptions,
  more: readonly string[] = [],
): {
  timeoutMs: number;
  signal: AbortSignal | undefined;
} {
  checkOptions(options ?? null, [...connectOptions, ...more], 'connect');
  const { cluster, identity } = options;
  if (typeof cluster !== 'string' && (typeof cluster !== 'object' || cluster === null)) {
    throw new InvalidInputError('INVALID_OPTION', 'cluster is the path of a cluster file', {
      option: 'cluster',
    });
  }
  if (typeof identity !== 'string') {
    throw new InvalidInputError('INVALID_OPTION', 'identity is the name of a client', { option: 'identity' });
  }
  const timeoutMs = checkTimeout(options.timeoutMs ?? defaultTimeoutMs, 'timeoutMs');
  return { timeoutMs, signal: checkSignal(options.signal) };
}

export function createLinks({ cluster, keys }: Identity, events: LinksEvents): Links {
  const dial = createDial(cluster, keys);
  return new Links({ cluster, key: keys.identityKey, dial, random: Math.random }, events);
}

export function createCore({ cluster, publicKey, keys }: Identity): ClientCore {
  const { sessionLeaseMs, clockSkewMaxMs } = cluster.settings;
  const settings: Partial<ClientSettings> = {
    ...(sessionLeaseMs === undefined ? {} : { sessionLeaseMs }),
    ...(clockSkewMaxMs === undefined ? {} : { clockSkewMaxMs }),
  };
  return new ClientCore({
    n: cluster.replicas.length,
    client: publicKey,
    seal: createSealer(cluster, keys.identityKey),
    nonce: () => new Uint8Array(randomBytes(16)),
    settings,
  });
}

export async function waitForWelcome(
  links: Links,
  n: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const { needed } = links;
  const refusal = (isForGood = true): (typeof lastingNotices)[number] | undefined =>
    lastingNotices.find((code) => links.isCommonNotice(code, isForGood));
  await links.changes.until(() => links.upCount >= needed || refusal() !== undefined, timeoutMs, signal);
  if (links.upCount >= needed) return;
  const replicas = links.problems();
  const code = refusal(false);
  if (code !== undefined) {
    throw new RefusedError(code, `${needed} or more replicas refuse this client: ${noticeRemedies[code]}.`, {
      replicas,
    });
  }
  const message = `${links.upCount} of ${n} replicas welcomed this client within ${timeoutMs} ms, ${needed} are needed: ${describeProblems(replicas)}.`;
  throw new UnavailableError('CLUSTER_UNREACHABLE', message, { replicas, needed });
}

/**
 * Connects as a registered client.
 * @throws InvalidInputError as `loadIdentity`, or for options; RefusedError if f+1 replicas refuse the identity;
 * UnavailableError CLUSTER_UNREACHABLE; the signal's reason.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { timeoutMs, signal } = checkConnectOptions(options);
  signal?.throwIfAborted();
  const identity = await loadIdentity(options);
  const core = createCore(identity);
  const links: Links = createLinks(identity, {
    up: (replica, view) => driver.feed({ kind: 'connected', replica, view }),
    down: (replica) => driver.feed({ kind: 'disconnected', replica }),
    message: (from, message) => driver.feed({ kind: 'message', from, message }),
    refused: (isRefused) => driver.feed({ kind: 'refused', isRefused }),
  });
  const driver = new Driver(core, links);
  const client = new Client({ identity, driver, links, timeoutMs });
  links.start();
  try {
    await waitForWelcome(links, identity.cluster.replicas.length, timeoutMs, signal);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * What each replica says about itself, even if too few answer for a client to work.
 * @throws InvalidInputError as `connect`.
 */
export async function clusterStatus(options: ConnectOptions): Promise<ReplicaStatus[]> {
  const { timeoutMs, signal } = checkConnectOptions(options);
  signal?.throwIfAborted();
  const nothing = (): void => undefined;
  const links = createLinks(await loadIdentity(options), {
    up: nothing,
    down: nothing,
    message: nothing,
    refused: nothing,
  });
  links.start();
  try {
    return await links.status(timeoutMs);
  } finally {
    links.close();
  }
}
