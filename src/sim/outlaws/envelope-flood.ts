/** Far more envelopes and fast reads than its share, all of them as they should be. */
import { encodeClientMessage, encodeOperation } from '../../codec/index.js';
import { ownTemplate, requestsOf, sealed, space, submit, type OutlawFactory } from './outlaw.js';

const eachTime = 50;

export const envelopeFlood: OutlawFactory = (seat) => {
  let readId = 0;
  return {
    everyMs: 100,
    timesMax: 40,
    act: () => {
      const operation = encodeOperation({ kind: 'rdp', space, template: ownTemplate(2) });
      for (let count = 0; count < eachTime; count++) {
        submit(seat, sealed(seat, requestsOf(seat, [operation])).bytes);
        const read = encodeClientMessage({ kind: 'read', readId: ++readId, operation });
        if (count % 4 === 0) for (const to of seat.replicas) seat.say(to, read);
      }
    },
  };
};
