/**
 * A second copy of a replica: correct code with the same identity and keys, a memory of its own and a clock that differs, so
 * that the two say different things in one name (Twins). It has no clients; what others send to the replica reaches both.
 */
import type { ReplicaId } from '../../base/index.js';
import { decodePeerMessage, type PeerMessage } from '../../codec/index.js';
import { Clock } from '../clock.js';
import { ReplicaHost, type HostWorld } from '../replica-host.js';
import type { World } from '../world.js';
import { secondCopy } from './schedule.js';

/** Its clock is ahead of the other's. */
const aheadUs = 40_000;
/** Of the simulated network: beyond all others. */
const networkNode = 1_000;

export class SecondCopy {
  readonly host: ReplicaHost;
  readonly #world: World;
  readonly #isConnected: (from: number, to: number, message: PeerMessage) => boolean;

  constructor(
    world: World,
    replica: ReplicaId,
    isConnected: (from: number, to: number, message: PeerMessage) => boolean,
  ) {
    this.#world = world;
    this.#isConnected = isConnected;
    const clock = new Clock(world.simulator, { skewUs: aheadUs, driftPpm: 0 });
    const nonces = world.random.stream('nonces of the second copy');
    this.host = new ReplicaHost(replica, world.n, clock, null, nonces, this.#surroundings());
  }

  hear(from: ReplicaId, message: PeerMessage): void {
    this.#world.network.send(from, networkNode, () => this.host.input({ kind: 'message', from, message }));
  }

  #surroundings(): HostWorld {
    const world = this.#world;
    const nothing = (): void => undefined;
    return {
      simulator: world.simulator,
      options: {},
      tickUs: world.tickUs,
      createStateMachine: (replica) => world.createStateMachine(replica),
      createCore: (replica, machine, start) => world.createCore(replica, machine, start),
      openStorage: (replica, disk) => world.openStorage(replica, disk),
      tamper: (_replica, _input, outputs) => outputs,
      sendToPeer: (from, to, message, bytes) => this.#send(from, to, message, bytes),
      sendToClient: nothing,
      onStarted: nothing,
      onDelivered: nothing,
      onStepped: nothing,
      onHalted: nothing,
      onNotice: nothing,
      onClientEnded: nothing,
    };
  }

  #send(from: ReplicaId, to: ReplicaId, message: PeerMessage, bytes: Uint8Array): void {
    const world = this.#world;
    if (message.kind === 'prePrepare') world.checks.proposed(message.batch);
    if (!this.#isConnected(secondCopy, to, message)) return;
    world.network.send(networkNode, to, () => {
      world.trace.record(world.simulator.nowUs, to, `${message.kind} from the second ${from}`, bytes);
      world.replicas[to]!.input({ kind: 'message', from, message: decodePeerMessage(bytes)! });
    });
  }
}
