/** Shows checkpoint certificates with signatures of others that it made up, for states ahead that nobody has. */
import { digest, sequenceNumber } from '../../base/index.js';
import { encodeCheckpointBody } from '../../codec/index.js';
import type { CheckpointCertificate } from '../../codec/index.js';
import { quorumSize } from '../../ordering/index.js';
import type { BehaviourFactory, Word } from './behaviour.js';
import { signedViewChange } from './signed.js';

const rotten = digest('f0'.repeat(32));
const intervalMs = 500;

export const forgeCertificate: BehaviourFactory = (seat) => {
  const { replica, n, peers, config, random, sign, inside } = seat;
  let shownMs = 0;

  function forged(): CheckpointCertificate {
    const { checkpointInterval } = config;
    const { stableCheckpoint } = inside.status();
    const ahead = checkpointInterval * random.between(1, 3);
    const content = { sequenceNumber: sequenceNumber(stableCheckpoint + ahead), stateDigest: rotten };
    const signature = sign('checkpoint', encodeCheckpointBody(content));
    const others = peers.slice(0, quorumSize(n) - 1);
    const signatures = [replica, ...others].sort((a, b) => a - b).map((id) => ({ replica: id, signature }));
    return { ...content, signatures };
  }

  return {
    toPeer: (_to, message) => {
      switch (message.kind) {
        case 'viewChange':
          if (message.replica !== replica) return [message];
          return [
            signedViewChange(seat, { ...message, checkpoint: forged(), prepared: [], prePrepared: [] }),
          ];
        case 'stableCheckpoint':
        case 'stateGone':
          return [{ ...message, certificate: forged() }];
        default:
          return [message];
      }
    },
    besides: (nowMs) => {
      if (nowMs - shownMs < intervalMs) return [];
      shownMs = nowMs;
      const message = { kind: 'stableCheckpoint', certificate: forged() } as const;
      return peers.map((to): Word => ({ kind: 'send', to, message }));
    },
  };
};
