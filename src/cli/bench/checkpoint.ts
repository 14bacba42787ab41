/**
 * `bench checkpoint`: for how long a checkpoint keeps a replica from everything else. The replicated application in this
 * process with many entries, changed as between two checkpoints under load; then its checkpoint, which is one piece, and the
 * saving of it on this disk, which is many: the longest of each. Wall time: nothing else should run. What of it is
 * collecting garbage stands apart: that falls due by chance.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PageTree, replicaId, sequenceNumber, type ClientId } from '../../base/index.js';
import { encodeOperation, type Operation } from '../../codec/index.js';
import { sha256 } from '../../crypto/index.js';
import { genesisMarkerName, openStorage, type Storage } from '../../replica/index.js';
import { createService, type Service } from '../../service/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { executeAlone, noEffects } from './application-alone.js';
import { removedAfter } from './cleanup.js';
import { Collections } from './collections.js';
import { numberedEntry } from './filling.js';
import { observe } from './hardware.js';
import { rangeOf, rounded, shownRange, type Range } from './statistics.js';

const space = 'default';
const owner = 'ab'.repeat(32) as ClientId;
/** Ordered time stands still. */
const time = 1_000_000;
const batchesPerCheckpoint = 128;
/** A load of 200 under way, and batches that are full. */
const operationsPerBatch = [100, 512] as const;
const targetMs = 20;

const value = (field: number | string) => ({ kind: 'value', value: field }) as const;

/** Appended and taken at the ends, scattered over all pages. */
type Change = 'out and inp' | 'replace, scattered';
const changes: readonly Change[] = ['out and inp', 'replace, scattered'];

class Subject {
  readonly #service: Service = createService({ hash: sha256 });
  #first = 0;
  #next = 0;
  #step = 0;

  constructor(entries: number) {
    this.#service.advanceTime(time, noEffects);
    while (this.#next < entries)
      this.#execute({ kind: 'out', space, tuple: numberedEntry(this.#next++), lease: null });
  }

  checkpoint(): ReturnType<Service['checkpoint']> {
    return this.#service.checkpoint();
  }

  change(how: Change, operations: number): void {
    for (let i = 0; i < operations; i++) this.#execute(this.#operation(how));
  }

  #operation(how: Change): Operation {
    this.#step += 1;
    if (how === 'replace, scattered') {
      const number = this.#first + ((this.#step * 7_919) % (this.#next - this.#first));
      return {
        kind: 'replace',
        space,
        template: this.#template(number),
        tuple: numberedEntry(number),
        lease: null,
      };
    }
    if (this.#step % 2 === 0) return { kind: 'out', space, tuple: numberedEntry(this.#next++), lease: null };
    return { kind: 'inp', space, template: this.#template(this.#first++) };
  }

  #template(number: number) {
    return [value('entry'), value(number), { kind: 'any' }] as const;
  }

  #execute(operation: Operation): void {
    executeAlone(this.#service, { client: owner, operation: encodeOperation(operation), time });
  }
}

/** One piece of work, ms: without what it collected of garbage meanwhile, and that. */
interface Piece {
  readonly ownMs: number;
  readonly collectingMs: number;
}

function pieceOf(collections: Collections, beganMs: number): Piece {
  const now = performance.now();
  const collectingMs = collections.within(beganMs, now);
  return { ownMs: now - beganMs - collectingMs, collectingMs };
}

/** Turns shorter than this are not looked into. */
const briefMs = 1;

/** Calls `save` and tells of all turns of the event loop in which another could not begin, until it is done. */
async function turnsOf(collections: Collections, save: () => Promise<void>): Promise<Piece[]> {
  const turns: Piece[] = [];
  let last = performance.now();
  let isDone = false;
  const look = (): void => {
    if (isDone) return;
    if (performance.now() - last > briefMs) turns.push(pieceOf(collections, last));
    last = performance.now();
    setImmediate(look);
  };
  setImmediate(look);
  await save();
  isDone = true;
  turns.push(pieceOf(collections, last));
  return turns;
}

const longestOf = (pieces: readonly Piece[], part: keyof Piece): number =>
  Math.max(...pieces.map((piece) => piece[part]));

/** Saves states one after the other, under numbers of its own. */
class Saver {
  readonly #storage: Storage;
  readonly #ordering = new PageTree(sha256).snapshot();
  #number = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;

  constructor(storage: Storage) {
    this.#storage = storage;
    storage.listen({
      stored: () => undefined,
      stateSaved: () => this.#settle?.resolve(),
      failed: (error) => this.#settle?.reject(error),
    });
  }

  save(application: ReturnType<Service['checkpoint']>): Promise<void> {
    const certificate = {
      ...{ sequenceNumber: sequenceNumber(++this.#number * batchesPerCheckpoint) },
      ...{ stateDigest: application.root, signatures: [] },
    };
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#storage.saveState({ certificate, ordering: this.#ordering, application });
    });
  }

  close(): Promise<void> {
    return this.#storage.close();
  }
}

export interface CheckpointPlan {
  readonly entries: number;
  readonly rounds: number;
  /** Between two checkpoints. */
  readonly operations: readonly number[];
}

export interface CheckpointRow {
  readonly change: Change;
  readonly operations: number;
  readonly checkpointMs: Range;
  /** The longest turn of each. */
  readonly savingMs: Range;
  /** The longest pause within one of these. */
  readonly collectingMs: number;
}

async function measure(
  { entries, rounds, operations }: CheckpointPlan,
  saver: Saver,
  collections: Collections,
  note: (text: string) => void,
): Promise<CheckpointRow[]> {
  note(`checkpoint: ${entries} entries are inserted and saved`);
  const subject = new Subject(entries);
  await saver.save(subject.checkpoint());
  const rows: CheckpointRow[] = [];
  for (const change of changes) {
    for (const count of operations) {
      note(`checkpoint: ${change}, ${count} operations, ${rounds} rounds`);
      const checkpoints: Piece[] = [];
      const saves: Piece[][] = [];
      for (let round = 0; round < rounds; round++) {
        subject.change(change, count);
        const beganMs = performance.now();
        const state = subject.checkpoint();
        checkpoints.push(pieceOf(collections, beganMs));
        saves.push(await turnsOf(collections, () => saver.save(state)));
      }
      rows.push({
        ...{ change, operations: count },
        checkpointMs: rangeOf(
          checkpoints.map(({ ownMs }) => ownMs),
          1,
        ),
        savingMs: rangeOf(
          saves.map((turns) => longestOf(turns, 'ownMs')),
          1,
        ),
        collectingMs: rounded(longestOf([...checkpoints, ...saves.flat()], 'collectingMs'), 1),
      });
    }
  }
  return rows;
}

async function openSaver(directory: string): Promise<Saver> {
  await writeFile(join(directory, genesisMarkerName), '');
  const place = { dataDir: directory, durability: 'sync', replica: replicaId(0), nowMs: Date.now() } as const;
  return new Saver((await openStorage(place)).storage);
}

export async function runCheckpoints(
  plan: CheckpointPlan,
  note: (text: string) => void,
): Promise<CheckpointRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'theodora-checkpoint-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  return removedAfter(remove, async () => {
    const saver = await openSaver(directory);
    const collections = new Collections();
    try {
      return await measure(plan, saver, collections, note);
    } finally {
      collections.close();
      await saver.close();
    }
  });
}

/** Never fails for being slow: that is for who reads the table. */
export async function benchCheckpoint(entries: number, rounds: number, output: Output): Promise<ExitStatus> {
  const finish = observe();
  const operations = operationsPerBatch.map((each) => each * batchesPerCheckpoint);
  const rows = await runCheckpoints({ entries, rounds, operations }, (text) => output.note(text));
  const circumstances = finish();
  for (const row of rows)
    output.record({ scenario: 'checkpoint', entries, rounds, targetMs, ...row, ...circumstances });
  output.say(`${entries} entries; least and most of ${rounds} rounds; target: no turn over ${targetMs} ms`);
  output.say(
    output.table(
      [
        'between two checkpoints',
        'operations',
        'checkpoint, ms',
        'longest turn of saving, ms',
        'collecting, ms',
      ],
      rows.map(({ change, operations: count, checkpointMs, savingMs, collectingMs }) => [
        ...[
          change,
          String(count),
          shownRange(checkpointMs, 1),
          shownRange(savingMs, 1),
          String(collectingMs),
        ],
      ]),
    ),
  );
  return exitStatus.ok;
}
