/** What scenarios see of a world's links, and what a client process is made of. */
import type { ClientId, Prng } from '../base/index.js';
import type { ClientMessage, PeerMessage, ServerMessage } from '../codec/index.js';
import type { ClientCore } from '../client/index.js';
import type { Sign } from './authenticator.js';

/** A message on its way, for scenarios that look at links. */
export interface Packet {
  readonly from: number;
  readonly to: number;
  readonly message: PeerMessage | ClientMessage | ServerMessage;
  /** Brings it to the receiver now. */
  readonly deliver: () => void;
}

/** What becomes of a packet: `false` leaves it to the network, `true` means it was dealt with. */
export type PacketFilter = (packet: Packet) => boolean;

/** A client identity, which alone can sign for itself. */
export interface ClientSigner {
  readonly client: ClientId;
  readonly sign: Sign;
  /** In place of signatures on envelopes, one for each replica; null: envelopes are signed. */
  readonly makeMacs: ((bytes: Uint8Array) => Uint8Array) | null;
}

/** What a client process is made of. */
export interface ClientProtocol {
  readonly client: ClientId;
  /** For another process of the same client. */
  readonly keys: ClientSigner;
  readonly core: ClientCore;
  readonly node: number;
  readonly random: Prng;
}
