/** Stands in for the ordering layer: records inputs, answers with outputs that the test has laid out. */
import {
  digest,
  replicaId,
  sequenceNumber,
  viewNumber,
  type ClientId,
  type Digest,
} from '../../src/base/index.js';
import type { Input, Output, ReplicaStatus, StateToSave } from '../../src/ordering/index.js';
import type { OrderingCore } from '../../src/replica/index.js';

export class FakeCore implements OrderingCore {
  readonly inputs: Input[] = [];
  /** Outputs for an input; none by default. */
  react: (input: Input) => readonly Output[] = () => [];
  /** Who is no client. */
  readonly strangers = new Set<ClientId>();
  stable: StateToSave | null = null;
  executed = 0;
  digestsComputed = 0;

  step(input: Input): readonly Output[] {
    this.inputs.push(input);
    return this.react(input);
  }

  status(): ReplicaStatus {
    return {
      view: viewNumber(0),
      primary: replicaId(0),
      isActive: true,
      isObserver: false,
      executed: sequenceNumber(this.executed),
      stableCheckpoint: sequenceNumber(0),
      orderedTime: 0,
      pending: 0,
      sizes: { slots: 3 },
    };
  }

  isClient(client: ClientId): boolean {
    return !this.strangers.has(client);
  }

  stableState(): StateToSave | null {
    return this.stable;
  }

  stateDigest(): Digest {
    this.digestsComputed++;
    return digest('cd'.repeat(32));
  }
}
