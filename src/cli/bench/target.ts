/** A service under load, as the load generator sees it: Theodora, or one of the peers. */
import type { LoadName, OperationName } from './loads.js';
import type { LoadPlan } from './messages.js';
import { EtcdTarget } from './peers/etcd-target.js';
import { ZooKeeperTarget } from './peers/zookeeper-target.js';
import { TheodoraTarget } from './theodora-target.js';

export interface LoadTarget {
  prepare(load: LoadName): Promise<void>;
  /** Throws TheodoraError for an operation that failed; anything else for an answer that cannot be right. */
  operate(operation: OperationName, worker: number, iteration: number): Promise<void>;
  /** That of the highest view a replica reports; 0 where there are no views. */
  findPrimary(): Promise<number>;
  close(): Promise<void>;
}

export function connectTarget(plan: LoadPlan): Promise<LoadTarget> {
  const { target, payloadBytes, timeoutMs } = plan;
  switch (target.kind) {
    case 'theodora':
      return TheodoraTarget.connect({ ...target, payloadBytes, timeoutMs });
    case 'etcd':
      return EtcdTarget.connect({ addresses: target.addresses, payloadBytes, timeoutMs });
    case 'zookeeper':
      return ZooKeeperTarget.connect({ addresses: target.addresses, payloadBytes, timeoutMs });
  }
}
