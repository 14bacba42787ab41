/**
 * The use cases of ReD (Posse, Lisbon 2011, section 3.2), one by one: what passes between replicas and coordinators, line by
 * line, with the published messages alone. Real coordinators, policy and service, in virtual time.
 */
import { describe, expect, it } from 'vitest';
import { CoordinatorRunner, coordinatorSettings } from '../../src/red/index.js';
import { SimulatedCluster } from '../../src/sim/index.js';
import { readyPolicies } from '../../src/sim/guarded/ready-policies.js';

const leaseMs = 6_000;
/** Longer than a lease lasts without renewals. */
const lapseMs = leaseMs + 1_500;

/** A database replica in the hands of the test, and its coordinator. */
class Scripted {
  readonly id: string;
  readonly #runner: CoordinatorRunner;
  readonly #lines: string[];
  /** Says `ACK` by itself. */
  acknowledges = true;

  constructor(cluster: SimulatedCluster, id: string, lines: string[], election: 'race' | 'lowest') {
    const process = cluster.process(id);
    this.id = id;
    this.#lines = lines;
    this.#runner = new CoordinatorRunner({
      settings: coordinatorSettings(id, 500, { leaseMs, election }),
      space: process.client.space('red'),
      clock: process.clock,
      replica: {
        say: (line) => {
          lines.push(`${id} <- ${line}`);
          if (line.startsWith('BOOTED') && this.acknowledges) this.say('ACK');
        },
        hangUp: () => lines.push(`${id} -- hung up`),
      },
      watch: () => undefined,
    });
  }

  connect(): void {
    this.#runner.connected();
  }

  say(line: string): void {
    this.#lines.push(`${this.id} -> ${line}`);
    this.#runner.line(line);
  }

  start(): void {
    this.connect();
    this.say(`BOOTED ${this.id}`);
  }

  fail(): void {
    this.#lines.push(`${this.id} fails`);
    this.#runner.disconnected();
  }
}

class Stage {
  readonly cluster = new SimulatedCluster({ seed: 1, clients: ['admin', 'r1', 'r2', 'r3'] });
  readonly #lines: string[] = [];
  readonly r1: Scripted;
  readonly r2: Scripted;
  readonly r3: Scripted;

  private constructor(election: 'race' | 'lowest') {
    [this.r1, this.r2, this.r3] = ['r1', 'r2', 'r3'].map(
      (id) => new Scripted(this.cluster, id, this.#lines, election),
    ) as [Scripted, Scripted, Scripted];
  }

  static async set(election: 'race' | 'lowest' = 'race'): Promise<Stage> {
    const stage = new Stage(election);
    const { admin } = stage.cluster.client('admin');
    await stage.cluster.run(admin.createSpace('red', { policy: readyPolicies.red }));
    return stage;
  }

  /** What was said while so long passed, and before. */
  async after(ms: number): Promise<string[]> {
    await this.cluster.advance(ms);
    return this.#lines.splice(0);
  }

  /** The writer r1 fails, then r3 starts; before WRITER expires, and until it goes on, the coordinator of r3 stands still. */
  async startsAfterTheWriter(): Promise<void> {
    this.r1.fail();
    await this.after(leaseMs / 2);
    this.r3.start();
    await this.after(500);
    this.cluster.stop('r3');
  }

  /** r1 writes, and these copy. */
  async withWriter(...copiers: Scripted[]): Promise<void> {
    this.r1.start();
    await this.after(1_000);
    for (const copier of copiers) {
      copier.start();
      await this.after(1_000);
    }
  }
}

const booting = (id: string, writer: string): string[] => [
  `${id} -> BOOTED ${id}`,
  `${writer} <- BOOTED ${id}`,
  `${writer} -> ACK`,
  `${id} <- MAKECOPIER`,
];

describe.each(['race', 'lowest'] as const)('with the election "%s"', (election) => {
  it('1, 2: who starts where nobody writes copies at once, and is then made the writer', async () => {
    const stage = await Stage.set(election);
    stage.r1.start();
    expect(await stage.after(1_000)).toEqual(['r1 -> BOOTED r1', 'r1 <- MAKECOPIER', 'r1 <- MAKEWRITER']);
  });

  it('3: who starts where one writes waits until the writer knows of it', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter();
    stage.r1.acknowledges = false;
    stage.r2.start();
    expect(await stage.after(1_000)).toEqual(['r2 -> BOOTED r2', 'r1 <- BOOTED r2']);
    stage.r1.say('ACK');
    expect(await stage.after(1_000)).toEqual(['r1 -> ACK', 'r2 <- MAKECOPIER']);
  });

  it('4: a copier that fails is told to the writer', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter(stage.r2, stage.r3);
    stage.r2.fail();
    expect(await stage.after(lapseMs)).toEqual(['r2 fails', 'r1 <- FAILED r2']);
  });

  it('5, 6: the writer fails and a copier too: the other is made the writer, and never hears of the one', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter(stage.r2, stage.r3);
    stage.r2.fail();
    // Its tuple is renewed last shortly before the writer's.
    stage.r1.fail();
    const lines = await stage.after(2 * lapseMs);
    expect(lines.slice(0, 2)).toEqual(['r2 fails', 'r1 fails']);
    expect(['r3 <- MAKEWRITER', 'r3 <- MAKEWRITER r2|r3 <- FAILED r2']).toContain(lines.slice(2).join('|'));
  });

  it('6: the writer fails: one copier is made the writer, and told of the others', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter(stage.r2, stage.r3);
    stage.r1.fail();
    const lines = await stage.after(lapseMs);
    const first = ['r1 fails', 'r2 <- MAKEWRITER r3'];
    const second = ['r1 fails', 'r3 <- MAKEWRITER r2'];
    expect(election === 'lowest' ? [first] : [first, second]).toContainEqual(lines);
  });

  it('7: the writer fails before it has dealt with one who starts: the next does, before it writes', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter(stage.r2);
    await stage.startsAfterTheWriter();
    expect(await stage.after(4_000)).toEqual(['r2 <- BOOTED r3', 'r2 -> ACK', 'r2 <- MAKEWRITER r3']);
    stage.cluster.continue('r3');
    expect(await stage.after(1_000)).toEqual(['r3 <- MAKECOPIER']);
  });

  it('a writer that comes back starts as stopped, and is let in by the new one', async () => {
    const stage = await Stage.set(election);
    await stage.withWriter(stage.r2);
    stage.r1.fail();
    expect(await stage.after(lapseMs)).toEqual(['r1 fails', 'r2 <- MAKEWRITER']);
    stage.r1.start();
    expect(await stage.after(1_000)).toEqual(booting('r1', 'r2'));
  });
});

describe('a coordinator', () => {
  it('drops WRITER, and its replica, if that does not acknowledge before it writes', async () => {
    const stage = await Stage.set();
    await stage.withWriter(stage.r2);
    stage.r2.acknowledges = false;
    await stage.startsAfterTheWriter();
    expect(await stage.after(2 * lapseMs)).toEqual(['r2 <- BOOTED r3', 'r2 -- hung up']);
    stage.cluster.continue('r3');
    expect(await stage.after(1_000)).toEqual(['r3 <- MAKECOPIER', 'r3 <- MAKEWRITER']);
  });

  it('hangs up on a writer that does not acknowledge, and leaves WRITER to expire', async () => {
    const stage = await Stage.set();
    await stage.withWriter(stage.r2);
    stage.r1.acknowledges = false;
    stage.r3.start();
    expect(await stage.after(leaseMs + 500)).toEqual(['r3 -> BOOTED r3', 'r1 <- BOOTED r3', 'r1 -- hung up']);
    // Nobody writes, so r3 lets itself in.
    expect(await stage.after(lapseMs)).toEqual(['r3 <- MAKECOPIER', 'r2 <- MAKEWRITER r3']);
  });

  it('ends the connection of a writer whose lease it cannot renew before that lease may end', async () => {
    const stage = await Stage.set();
    await stage.withWriter(stage.r2);
    stage.cluster.cutOff('r1');
    const lines = await stage.after(lapseMs);
    expect(lines).toEqual(['r1 -- hung up', 'r2 <- MAKEWRITER']);
  });

  it('that runs twice by mistake makes one writer', async () => {
    const stage = await Stage.set();
    const lines: string[] = [];
    const twin = new Scripted(stage.cluster, 'r1', lines, 'race');
    stage.r2.start();
    await stage.after(1_000);
    stage.r1.start();
    twin.start();
    await stage.after(2_000);
    stage.r2.fail();
    const all = [...(await stage.after(3 * lapseMs)), ...lines];
    expect(all.filter((line) => line.includes('MAKEWRITER'))).toEqual(['r1 <- MAKEWRITER']);
    stage.r1.fail();
    twin.fail();
  });

  it('gives WRITER back at once if the writer says that it has stopped, even if that is the last it says', async () => {
    for (const isLast of [false, true]) {
      const stage = await Stage.set();
      await stage.withWriter(stage.r2);
      stage.r1.say('STOPPED');
      const said = ['r1 -> STOPPED'];
      if (isLast) {
        stage.r1.fail();
        said.push('r1 fails');
      }
      expect(await stage.after(1_000)).toEqual([...said, 'r2 <- MAKEWRITER']);
    }
  });

  it('renews COPIER no longer if the copier says that it has stopped', async () => {
    const stage = await Stage.set();
    await stage.withWriter(stage.r2);
    stage.r2.say('STOPPED');
    expect(await stage.after(lapseMs)).toEqual(['r2 -> STOPPED', 'r1 <- FAILED r2']);
  });

  it('answers what it does not understand, and goes on', async () => {
    const stage = await Stage.set();
    stage.r1.connect();
    for (const line of ['BOOTED r2', 'booted r1', 'BOOTED', `BOOTED ${'x'.repeat(9_000)}`])
      stage.r1.say(line);
    const answers = (await stage.after(100)).filter((line) => line.includes('<-'));
    expect(answers.map((line) => line.split(' ').slice(2, 4))).toEqual([
      ['ERROR', 'ID_WRONG'],
      ['ERROR', 'KEYWORD_UNKNOWN'],
      ['ERROR', 'WORDS_WRONG'],
      ['ERROR', 'LINE_TOO_LONG'],
    ]);
    stage.r1.say('BOOTED r1');
    expect(await stage.after(1_000)).toEqual(['r1 -> BOOTED r1', 'r1 <- MAKECOPIER', 'r1 <- MAKEWRITER']);
  });
});
