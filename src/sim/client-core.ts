/** The real client core with simulated signatures and nonces out of the seed. */
import type { ClientId, Prng } from '../base/index.js';
import { ClientCore, type ClientSettings } from '../client/index.js';
import { encodeEnvelopeBody, sealEnvelope } from '../codec/index.js';
import type { Sign } from './authenticator.js';

export interface SimulatedClientOptions {
  readonly client: ClientId;
  readonly n: number;
  readonly sign: Sign;
  readonly random: Prng;
  readonly settings: Partial<ClientSettings>;
}

export function createClientCore({ client, n, sign, random, settings }: SimulatedClientOptions): ClientCore {
  return new ClientCore({
    n,
    client,
    settings,
    seal: (body) => {
      const signedBytes = encodeEnvelopeBody(body);
      return sealEnvelope(body, signedBytes, sign('envelope', signedBytes));
    },
    nonce: () => Uint8Array.from({ length: 16 }, () => random.below(256)),
  });
}
