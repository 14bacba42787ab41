/** Creating a confidential space (DESIGN section 7): a fresh key to its tags, dealt to the replicas like a tuple. */
import { InvalidInputError } from '../base/index.js';
import { encodeOperation, type Result, type SpaceConfig } from '../codec/index.js';
import { generateSpaceKey, sealedSizeOf, sealSpaceKey } from '../confidential/index.js';
import type { CallOptions } from './options.js';
import type { BoundOperation } from './protocol.js';
import type { RawCaller } from './raw-caller.js';
import type { Seals } from './seals.js';

const secretBytes = 32;

/** @throws InvalidInputError SHARING_KEYS_MISSING, SHARING_KEY_INVALID; and as any call. */
export async function createConfidentialSpace(
  raw: Pick<RawCaller, 'callBound'>,
  seals: Seals | null,
  space: string,
  config: Omit<SpaceConfig, 'confidential'>,
  options: CallOptions | undefined,
): Promise<Result> {
  if (seals === null) {
    const message =
      'the cluster file has no sharing keys, which confidential spaces need; a cluster that `theodora init` makes has them.';
    throw new InvalidInputError('SHARING_KEYS_MISSING', message);
  }
  const { cluster, random, inserter, dealings } = await seals.load();
  const { tagKey, secret } = generateSpaceKey(cluster.group, random);
  const operation = (sealedKey: Uint8Array): Uint8Array =>
    encodeOperation({
      kind: 'spaceCreate',
      space,
      config: { ...config, confidential: { tagKey, sealedKey } },
    });
  const nextDealing = await dealings();
  const bound: BoundOperation = {
    length: operation(new Uint8Array(sealedSizeOf(cluster, secretBytes))).length,
    encode: (request) => {
      const origin = { space, inserter, ...request };
      return operation(sealSpaceKey(cluster, nextDealing(), origin, { tagKey, secret }));
    },
  };
  try {
    return (await raw.callBound('spaceCreate', bound, options)).result;
  } finally {
    secret.fill(0);
  }
}
