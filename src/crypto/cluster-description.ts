/**
 * What everyone must agree on about a cluster: who its replicas and clients are, their keys and pins, and
 * settings that differ from the defaults. Holds no secret. Read from and written to the cluster file by
 * cluster-file.ts; this file has the values and the grammar of names and addresses.
 */
import { isIP } from 'node:net';
import { InvalidInputError } from '../base/index.js';
import type { ClientId, ReplicaId } from '../base/index.js';

export interface ReplicaDescription {
  readonly id: ReplicaId;
  /** host:port; IPv6 hosts in brackets. */
  readonly address: string;
  /** Ed25519 identity, 64 lower-case hexadecimal characters. */
  readonly publicKey: string;
  /** Pin: SHA-256 of the TLS public key (SPKI DER), 64 hexadecimal characters. Survives renewal. */
  readonly tlsFingerprint: string;
  /** To which shares of confidential tuples are dealt: a point, 64 hexadecimal characters; all replicas have one, or none. */
  readonly sharingKey?: string;
}

export interface ClientDescription {
  readonly name: string;
  readonly publicKey: ClientId;
}

export const requestAuths = ['signature', 'mac'] as const;
/** What clients put on their envelopes: what convinces everybody, or a MAC for each replica, fast and for trusted clients only. */
export type RequestAuth = (typeof requestAuths)[number];

/** Overrides of defaults; equal at every replica. Times in ms. */
export interface ClusterSettings {
  readonly requestTimeoutMs?: number;
  readonly viewChangeTimeoutMs?: number;
  readonly viewChangeTimeoutMaxMs?: number;
  readonly clockSkewMaxMs?: number;
  readonly statusIntervalMs?: number;
  readonly sessionLeaseMs?: number;
  readonly windowBatches?: number;
  readonly batchOperationsMax?: number;
  readonly slowPrimaryPercent?: number;
  readonly rotateAfterBatches?: number;
  /** Equal at clients too; default `signature`. */
  readonly requestAuth?: RequestAuth;
  /** Replica i serves its metrics on basePort + i; off if absent. */
  readonly metrics?: { readonly basePort: number };
}

export interface ClusterDescription {
  readonly version: 1;
  /** 32 lower-case hexadecimal characters. */
  readonly clusterId: string;
  /** Replica i at index i. */
  readonly replicas: readonly ReplicaDescription[];
  /** PEM of the one certificate that signs the cluster's TLS certificates. */
  readonly certificateAuthority: string;
  readonly clients: readonly ClientDescription[];
  /** Which set of sharing keys the replicas' are, counted from 1; absent without any. */
  readonly keyGeneration?: number;
  /** Whether replicas may be told to misbehave: never in a cluster that anybody relies on. */
  readonly faultInjection?: true;
  readonly settings: ClusterSettings;
}

/** To whom shares are dealt; structured-cloneable, for threads. */
export interface SharingKeys {
  readonly clusterId: string;
  readonly keyGeneration: number;
  /** By replica; 64 hexadecimal characters each. */
  readonly sharingKeys: readonly string[];
}

/** Null: the cluster has none, and no confidential spaces. */
export function sharingKeysOf({
  clusterId,
  keyGeneration,
  replicas,
}: ClusterDescription): SharingKeys | null {
  if (keyGeneration === undefined) return null;
  return { clusterId, keyGeneration, sharingKeys: replicas.map(({ sharingKey }) => sharingKey!) };
}

export const replicasMin = 4;

const labels = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const numericLastLabel = /(^|\.)[0-9]+$/;

function isHost(host: string): boolean {
  if (isIP(host) !== 0) return !host.includes('%');
  return labels.test(host) && !numericLastLabel.test(host);
}

/** Splits "host:port" or "[ipv6]:port" (port 1–65535; the host without brackets); null if it is neither. */
export function parseAddress(address: string): { host: string; port: number } | null {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):([1-9][0-9]{0,4})$/i.exec(address);
  if (parts === null) return null;
  const host = parts[1] ?? parts[2]!;
  const port = Number(parts[3]);
  if (port > 65535 || !isHost(host)) return null;
  if ((parts[1] !== undefined) !== (isIP(host) === 6)) return null;
  return { host, port };
}

/** What is wrong with a client's name (it names a folder and is the certificate's CN), or null. */
export function clientNameProblem(name: string): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return 'a client name is 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit';
  }
  if (/^replica-[0-9]+$/i.test(name))
    return 'names like "replica-0" are reserved for replicas; choose another';
  return null;
}

/** @throws InvalidInputError CLIENT_NAME_INVALID. */
export function checkClientName(name: string): void {
  const problem = clientNameProblem(name);
  if (problem !== null) {
    throw new InvalidInputError('CLIENT_NAME_INVALID', `${JSON.stringify(name)}: ${problem}.`, { name });
  }
}
