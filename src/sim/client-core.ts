/** The real client core with simulated signatures or MACs and nonces out of the seed. */
import type { Prng } from '../base/index.js';
import { ClientCore, type ClientSettings } from '../client/index.js';
import { encodeEnvelopeBody, sealEnvelope, sealWithMacs } from '../codec/index.js';
import type { ClientSigner } from './authenticator.js';

export interface SimulatedClientOptions extends ClientSigner {
  readonly n: number;
  readonly random: Prng;
  readonly settings: Partial<ClientSettings>;
}

export function createClientCore(options: SimulatedClientOptions): ClientCore {
  const { client, n, sign, makeMacs, random, settings } = options;
  return new ClientCore({
    n,
    client,
    settings,
    seal: (body) => {
      const signedBytes = encodeEnvelopeBody(body);
      if (makeMacs !== null) return sealWithMacs(body, signedBytes, makeMacs(signedBytes));
      return sealEnvelope(body, signedBytes, sign('envelope', signedBytes));
    },
    nonce: () => Uint8Array.from({ length: 16 }, () => random.below(256)),
  });
}
