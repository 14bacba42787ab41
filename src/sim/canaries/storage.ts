/** Bugs in what is durable before what (DESIGN section 6; pitfall 11), at all replicas alike; processes die all at once. */
import { encodeBatch, type LogRecord } from '../../codec/index.js';
import type { Remembered, Storage, StorageListener } from '../../replica/index.js';
import { sha256 } from '../authenticator.js';
import { runScenario } from '../scenario/runner.js';
import type { Simulator } from '../simulator.js';
import type { Tampering } from '../world-options.js';
import { met } from './canary.js';
import type { Canary } from './canary.js';

const dark = { guards: false, durable: true, n: 4, operations: 120, faults: ['blackout'] } as const;

/** With a script it plays that, else random runs. */
function canary(
  name: string,
  bug: string,
  checkers: readonly string[],
  tampering: Tampering,
  script?: string,
): Canary {
  const runs =
    script === undefined
      ? met(dark, tampering, 32)
      : { run: () => runScenario(script, { tampering }), control: () => runScenario(script) };
  return { name, bug, checkers, tampering: () => tampering, ...runs };
}

/** All processes end as soon as a client has its answer, while disks are slow. */
const answeredThenDark = `
cluster n=4 durable=yes sync=100ms
open c1
call c1 out ["kept",1]
await c1#2
stop 0..3
run 1s
restart 0..3
run 1s
call c1 count [null,null]
await c1#3
expect outcome c1#3 count 1
`;

/** All processes end while the state of the first checkpoint is being saved. */
const darkWhileSaving = `
cluster n=4 durable=yes sync=5ms checkpoint=4 window=8
open c1
call c1 out ["kept",1]
await c1#2
call c1 out ["kept",2]
await c1#3
call c1 out ["kept",3]
await c1#4
until stable 0..3 >= 4
stop 0..3
run 1s
restart 0..3
call c1 count [null,null]
await c1#5
expect outcome c1#5 count 3
`;

/** Hands everything on; subclasses do not. */
class SpoiltStorage implements Storage {
  protected listener: StorageListener | null = null;
  protected readonly storage: Storage;
  readonly #simulator: Simulator;

  constructor(storage: Storage, simulator: Simulator) {
    this.storage = storage;
    this.#simulator = simulator;
  }

  listen(listener: StorageListener): void {
    this.listener = listener;
    this.storage.listen(listener);
  }

  append(...record: Parameters<Storage['append']>): void {
    this.storage.append(...record);
  }

  saveState(...state: Parameters<Storage['saveState']>): void {
    this.storage.saveState(...state);
  }

  truncate(...upTo: Parameters<Storage['truncate']>): void {
    this.storage.truncate(...upTo);
  }

  close(): Promise<void> {
    return this.storage.close();
  }

  protected tellAtOnce(recordNumber: number): void {
    this.#simulator.schedule(0, () => this.listener?.stored(recordNumber));
  }
}

class WithoutSync extends SpoiltStorage {
  override append(recordNumber: number, record: LogRecord): void {
    this.storage.append(recordNumber, record, true);
    this.tellAtOnce(recordNumber);
  }
}

class LateSync extends SpoiltStorage {
  override append(recordNumber: number, record: LogRecord, isLazy: boolean): void {
    this.storage.append(recordNumber, record, isLazy);
    this.tellAtOnce(recordNumber);
  }
}

class EarlyTruncation extends SpoiltStorage {
  override saveState(...[state]: Parameters<Storage['saveState']>): void {
    this.storage.truncate(state.certificate.sequenceNumber);
    this.storage.saveState(state);
  }
}

const emptyBatch = encodeBatch({ time: 1, envelopes: [] });

/** The last batch that was executed reads as an empty one. */
function misread({ records, state }: Remembered): Remembered {
  const last = records.findLastIndex(({ kind }) => kind === 'executed');
  const read = (record: LogRecord, index: number): LogRecord =>
    index === last && record.kind === 'executed'
      ? { ...record, digest: sha256(emptyBatch), batch: emptyBatch }
      : record;
  return { records: records.map(read), state };
}

export const skippedSync = canary(
  'skipped-sync',
  'records are told as durable and never synced',
  ['agreement'],
  { storage: (storage, simulator) => new WithoutSync(storage, simulator) },
);

export const syncAfterSend = canary(
  'sync-after-send',
  'votes leave before the sync that makes them durable has ended',
  ['agreement'],
  { storage: (storage, simulator) => new LateSync(storage, simulator) },
  answeredThenDark,
);

export const earlyTruncation = canary(
  'early-truncation',
  'the vote log forgets what no saved state covers yet',
  ['scenario'],
  { storage: (storage, simulator) => new EarlyTruncation(storage, simulator) },
  darkWhileSaving,
);

export const damagedRecord = canary(
  'damaged-record',
  'a record that is not what was written is believed',
  ['agreement'],
  { remembered: misread },
);
