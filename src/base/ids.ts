/**
 * Branded identifiers shared by every room. The brands exist only for the compiler: they keep a view
 * number from being passed where a sequence number is meant. All numbers are safe integers.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Number of a view; the primary of view v is replica v mod n (TOCS'02 section 2.3). */
export type ViewNumber = Brand<number, 'ViewNumber'>;
/** Position of a batch in the total order; the first batch has sequence number 1. */
export type SequenceNumber = Brand<number, 'SequenceNumber'>;
/** Index of a replica in the cluster file, 0 … n−1. */
export type ReplicaId = Brand<number, 'ReplicaId'>;
/** A client identity: its Ed25519 public key, 64 lower-case hexadecimal characters. */
export type ClientId = Brand<string, 'ClientId'>;
/**
 * What a client is called in its cluster: unique, and never given to another. It owns entries and stands in access
 * lists and policies. Where clients are not registered, it is the ClientId.
 */
export type ClientName = Brand<string, 'ClientName'>;
/** A session, given out by an ordered OPEN and never reused. 0 stands for "no session yet". */
export type SessionId = Brand<number, 'SessionId'>;
/** A SHA-256 digest, 64 lower-case hexadecimal characters (32 bytes on the wire). */
export type Digest = Brand<string, 'Digest'>;

export const viewNumber = (value: number): ViewNumber => value as ViewNumber;
export const sequenceNumber = (value: number): SequenceNumber => value as SequenceNumber;
export const replicaId = (value: number): ReplicaId => value as ReplicaId;
export const clientId = (value: string): ClientId => value as ClientId;
export const clientName = (value: string): ClientName => value as ClientName;
export const sessionId = (value: number): SessionId => value as SessionId;
export const digest = (value: string): Digest => value as Digest;

/** Digest function handed into the pure rooms, so that a faster one can take its place. */
export type HashFunction = (bytes: Uint8Array) => Digest;
