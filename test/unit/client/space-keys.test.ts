/** Asking which sort a space is of: whatever becomes of the question, what the user called was not done. */
import { describe, expect, it } from 'vitest';
import { RefusedError, UnavailableError, UnknownOutcomeError } from '../../../src/base/index.js';
import type { RawCaller } from '../../../src/client/raw-caller.js';
import { Seals } from '../../../src/client/seals.js';
import { SpaceKeys } from '../../../src/client/space-keys.js';
import { createKeep, nextOrigin } from '../../support/confidential.js';

const { cluster, random } = createKeep(4);
const seals = new Seals(
  {
    openCluster: () => Promise.resolve(cluster),
    createDealer: () => Promise.reject(new Error('nothing is dealt')),
    random,
  },
  nextOrigin().inserter,
  () => undefined,
);

function keysThat(call: RawCaller['call']): SpaceKeys {
  return new SpaceKeys({ call }, seals);
}

const failing = (error: Error): SpaceKeys => keysThat(() => Promise.reject(error));
const unknown = new UnknownOutcomeError('OUTCOME_UNKNOWN', 'spaceKey: no answer', { replicas: ['2'] });

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('the key of a space', () => {
  it('is unknown without an answer, and nothing was executed', async () => {
    const error = await failureOf(failing(unknown).of('vault', 'out', undefined));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      fields: { operation: 'out', replicas: ['2'] },
    });
  });

  it('is not waited for by who has had enough', async () => {
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    abort.abort(reason);
    expect(await failureOf(failing(unknown).of('vault', 'in', { signal: abort.signal }))).toBe(reason);
  });

  it('is refused in the name of what was called', async () => {
    const refusal = new RefusedError('ACL_DENIED', 'spaceKey: not on the list', { operation: 'spaceKey' });
    expect(await failureOf(failing(refusal).of('vault', 'rdp', undefined))).toMatchObject({
      code: 'ACL_DENIED',
      message: 'rdp: not on the list',
      fields: { operation: 'rdp' },
    });
  });

  it('is asked for by each who may give up on his own, and by all others together', async () => {
    let asked = 0;
    const keys = keysThat(() => {
      asked += 1;
      return Promise.reject(new RefusedError('SPACE_NOT_CONFIDENTIAL', 'plain', {}));
    });
    const { signal } = new AbortController();
    const all = [undefined, undefined, { signal }, { timeout: 5 }, { timeout: undefined }];
    expect(await Promise.all(all.map((options) => keys.of('vault', 'out', options)))).toEqual(
      all.map(() => null),
    );
    expect(asked).toBe(3);
    expect(keys.known('vault')).toBeNull();
    keys.forget('vault');
    expect(keys.known('vault')).toBeUndefined();
  });
});
