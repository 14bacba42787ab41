/** What scenarios see of a world's links, and what a client process is made of. */
import type { ClientId, Prng } from '../base/index.js';
import type { ClientMessage, PeerMessage, ServerMessage } from '../codec/index.js';
import type { ClientCore } from '../client/index.js';
import type { ClientSigner } from './authenticator.js';

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

/** What a client process is made of. */
export interface ClientProtocol {
  readonly client: ClientId;
  /** For another process of the same client. */
  readonly keys: ClientSigner;
  readonly core: ClientCore;
  readonly node: number;
  readonly random: Prng;
}
