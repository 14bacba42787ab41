/**
 * A whole cluster in virtual time for tests of programs: real replicas' code, simulated links, clocks and processes, and
 * the public `Client` in each process. Programs run as they are, with `await`; time passes only inside `run` and
 * `advance`, as fast as the machine can, and equal seeds give equal runs as long as the program draws no entropy and sets
 * no timers of its own. Everything that the replicas did is checked by `finish`.
 */
// Promises run outside virtual time; nothing else does.
import { setImmediate as allThatIsReady } from 'node:timers/promises';
import { assert, prng, replicaId } from '../../base/index.js';
import { inlineDealer, type Client, type SealPorts } from '../../client/index.js';
import { loadGroup } from '../../crypto/index.js';
import { defaultCheckSettings } from '../checks.js';
import { boundedClockError, driftingClockError } from '../clock.js';
import { Nemesis, type NemesisProfile } from '../nemesis.js';
import { calmLinks } from '../network.js';
import { addOutlaws, endOutlaws, type OutlawHost } from '../outlaws/index.js';
import { leaseLimitsOf, livenessLinks } from '../parameters.js';
import { compareStates, isConverged } from '../simulation.js';
import { drawnBytes, Sharing } from '../sharing.js';
import type { WorldOptions } from '../world-options.js';
import { World } from '../world.js';
import type { ClientProtocol } from '../world-ports.js';
import { SimulatedProcess } from './process.js';

export interface SimulatedClusterOptions {
  readonly seed: number;
  /** A process of its own for each of these clients, registered by that name; the one called `admin` administers. */
  readonly clients: readonly string[];
  /** Default 4. */
  readonly replicas?: number | undefined;
  /** Malicious clients beside these, and how each behaves (docs/adversaries.md). They are gone at `finish`. */
  readonly outlaws?: readonly (readonly string[])[] | undefined;
}

const tickUs = 20_000;
const clockErrorMs = 20;
const clockSkewMaxMs = 500;
const horizonUs = 3_600_000_000;
const convergenceMsMax = 60_000;
const lookMs = 100;

function createWorld(seed: number, n: number, others: Partial<WorldOptions>): World {
  const random = prng(seed).stream('simulated cluster');
  return new World({
    seed,
    n,
    clients: 0,
    config: { clockSkewMaxMs, checkpointInterval: 32, watermarkWindow: 64, viewChangeTimeoutMaxMs: 4_000 },
    clientSettings: {},
    links: calmLinks,
    storage: { syncUsMin: 50, syncUsMax: 500, isDurable: true, segmentBytes: 64 << 10 },
    replicaClock: (replica) =>
      boundedClockError(random.stream(`clock ${replica}`), clockErrorMs * 1_000, horizonUs),
    clientClock: (client) => driftingClockError(random.stream(`client clock ${client}`)),
    clockErrorMaxMs: clockErrorMs + tickUs / 1_000 + 2,
    leaseLimits: leaseLimitsOf(clockSkewMaxMs),
    waitsPerClientMax: 1_000,
    eventsPerSpaceMax: 65_536,
    tickUs,
    breakNoticeUs: 1_000,
    checks: defaultCheckSettings,
    ...others,
  });
}

/** Dealings are made at once, out of the seed. */
function sealPortsOf({ cluster }: Sharing, seed: number, name: string): SealPorts {
  const random = drawnBytes(prng(seed).stream(`seals of ${name}`));
  return {
    openCluster: () => Promise.resolve(cluster),
    createDealer: () => Promise.resolve(inlineDealer(cluster, random)),
    random,
  };
}

export class SimulatedCluster {
  readonly #world: World;
  readonly #seed: number;
  readonly #sharing: Sharing | undefined;
  readonly #processes = new Map<string, SimulatedProcess>();
  readonly #protocols = new Map<string, ClientProtocol>();
  readonly #outlaws: readonly OutlawHost[];
  #nemesis: Nemesis | null = null;
  /** Code of a process has run, so promises may have something to do before anything else happens. */
  #hasRun = false;

  /** One whose spaces may be confidential. */
  static async confidential(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
    const { seed, replicas = 4 } = options;
    const random = prng(seed).stream('simulated cluster');
    const sharing = new Sharing({ group: await loadGroup(), n: replicas, random });
    return new SimulatedCluster(options, { sharing });
  }

  /** `others`: of the world, in place of what it is made of by default. */
  constructor(
    { seed, clients, replicas = 4, outlaws = [] }: SimulatedClusterOptions,
    others: Partial<Omit<WorldOptions, 'seed' | 'n'>> = {},
  ) {
    this.#seed = seed;
    this.#world = createWorld(seed, replicas, others);
    const protocols = clients.map((name) => ({ name, protocol: this.#world.createClientCore() }));
    const known = protocols.map(({ name, protocol }) => ({ name, publicKey: protocol.client }));
    this.#world.registered = known;
    this.#outlaws = addOutlaws(this.#world, outlaws);
    this.#world.start();
    for (const outlaw of this.#outlaws) outlaw.start();
    this.#sharing = others.sharing;
    for (const { name, protocol } of protocols) this.#begin(name, protocol);
  }

  #begin(name: string, protocol: ClientProtocol): void {
    const clock = driftingClockError(prng(this.#seed).stream(`process ${name}`));
    const sealPorts = this.#sharing === undefined ? undefined : sealPortsOf(this.#sharing, this.#seed, name);
    const options = { name, protocol, clients: this.#world.registered ?? [], clock, sealPorts };
    const onRun = (): void => {
      this.#hasRun = true;
    };
    this.#protocols.set(name, protocol);
    this.#processes.set(name, new SimulatedProcess(this.#world, options, onRun));
  }

  /** What the programs run on, for whoever looks beneath them. */
  get world(): World {
    return this.#world;
  }

  /** Virtual time since the start, ms. */
  get nowMs(): number {
    return this.#world.simulator.nowMs;
  }

  /** The client of that process; its clock drifts by up to 1 %. */
  client(name: string): Client {
    return this.process(name).client;
  }

  /** SIGSTOP and SIGCONT, or SIGKILL, of that process. */
  stop(name: string): void {
    this.process(name).stop();
  }

  continue(name: string): void {
    this.process(name).continue();
  }

  kill(name: string): void {
    this.process(name).kill();
  }

  /** Another process of the same identity in the place of that one, which is killed if it runs. */
  restart(name: string): void {
    this.kill(name);
    this.#begin(name, this.#world.createClientCore(this.#protocols.get(name)!.keys));
  }

  stopReplica(id: number): void {
    this.#world.stopReplica(replicaId(id));
  }

  /** Without any memory, as a process that starts again. */
  restartReplica(id: number): void {
    this.#world.restartReplica(replicaId(id));
  }

  /** Cuts the process off from every replica, until `heal`. */
  cutOff(name: string): void {
    const { node } = this.process(name);
    for (const { id } of this.#world.replicas) {
      this.#world.network.cut(node, id);
      this.#world.network.cut(id, node);
    }
  }

  heal(): void {
    this.#world.network.heal();
  }

  /** Faults at random from now on, at most f replicas at a time. */
  disturb(profile: NemesisProfile): void {
    this.#nemesis = new Nemesis(
      this.#world,
      prng(this.#seed).stream('nemesis'),
      profile,
      this.#world.options.links,
    );
    this.#nemesis.start();
  }

  /** The faults end. */
  calm(): void {
    this.#nemesis?.stop(livenessLinks);
    this.#nemesis = null;
  }

  /** For programs: a pause of theirs. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.simulator.schedule(ms * 1_000, () => {
        this.#hasRun = true;
        resolve();
      });
    });
  }

  /** Lets time pass; programs go on meanwhile. */
  async advance(ms: number): Promise<void> {
    await this.#until(() => false, ms);
  }

  /**
   * Lets time pass until the promise is settled; its result.
   * @throws as the promise, or Error if `withinMs` of virtual time were not enough.
   */
  async run<T>(program: Promise<T>, withinMs = 600_000): Promise<T> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    program.then(note, note);
    await this.#until(() => isSettled, withinMs);
    if (!isSettled) throw new Error(`the program has not ended after ${withinMs} ms of virtual time`);
    return program;
  }

  /** Waits until all replicas agree, and checks everything that was executed. @throws Violation. */
  async finish(): Promise<void> {
    this.calm();
    endOutlaws(this.#world, this.#outlaws);
    for (let ms = 0; !isConverged(this.#world) && ms < convergenceMsMax; ms += lookMs)
      await this.advance(lookMs);
    compareStates(this.#world);
    this.#world.checks.finish(this.#world.history);
  }

  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    const { simulator } = this.#world;
    const untilUs = simulator.nowUs + withinMs * 1_000;
    await allThatIsReady();
    while (!condition()) {
      if (!simulator.stepUntil(untilUs)) {
        simulator.run(untilUs - simulator.nowUs);
        return;
      }
      if (!this.#hasRun) continue;
      this.#hasRun = false;
      await allThatIsReady();
    }
  }

  process(name: string): SimulatedProcess {
    const process = this.#processes.get(name);
    assert(process !== undefined, `the cluster has no client ${name}`);
    return process;
  }
}
