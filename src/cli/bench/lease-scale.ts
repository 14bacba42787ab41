/**
 * What an operation costs among few and among many timed entries: the replicated application alone, in this process,
 * both sizes in one run and in turns, so that they meet the same machine. Checkpoints are part of it, as in a replica.
 */
import type { ClientId } from '../../base/index.js';
import { encodeOperation, type Operation } from '../../codec/index.js';
import { sha256 } from '../../crypto/index.js';
import { createService, type Service } from '../../service/index.js';
import { executeAlone, noEffects } from './application-alone.js';
import { median, rounded } from './statistics.js';

/** Of the median round, among few and among many entries. */
export interface LeaseScaleFigure {
  readonly unit: 'µs' | 'ms';
  readonly figures: readonly [number, number];
  readonly ratio: number;
}

/** By operation. */
export type LeaseScaleFigures = Readonly<Record<string, LeaseScaleFigure>>;

export function leaseScaleFigure(unit: 'µs' | 'ms', few: number, many: number): LeaseScaleFigure {
  return { unit, figures: [rounded(few, 3), rounded(many, 3)], ratio: rounded(many / few, 3) };
}

const space = 'default';
const owner = 'ab'.repeat(32) as ClientId;
const roundsPerSize = 15;
const operationsPerRound = 2_000;
const operationsPerCheckpoint = 1_000;
const hourMs = 3_600_000;

const value = (field: number | string) => ({ kind: 'value', value: field }) as const;

type Kind = 'out' | 'rdp' | 'renew' | 'inp' | 'expire';
const kinds: readonly Kind[] = ['rdp', 'renew', 'out', 'inp', 'expire'];

/** A service that holds so many timed entries, and what is done to them. */
class Subject {
  readonly #service: Service = createService({ hash: sha256 });
  readonly #entries: number;
  #time = 1_000_000;
  #number = 0;
  #inserted = 0;
  #taken = 0;

  constructor(entries: number) {
    this.#entries = entries;
    this.#service.advanceTime(this.#time, noEffects);
    for (let i = 0; i < entries; i++) this.#insert(i);
    this.#service.checkpoint();
  }

  /** Milliseconds of one round. */
  measure(kind: Kind): number {
    if (kind === 'expire') return this.#expire();
    const operations = Array.from({ length: operationsPerRound }, () =>
      encodeOperation(this.#operation(kind)),
    );
    const beganMs = performance.now();
    for (const [index, operation] of operations.entries()) {
      this.#execute(operation);
      if (index % operationsPerCheckpoint === 0) this.#service.checkpoint();
    }
    return performance.now() - beganMs;
  }

  /** As many entries as a round has operations, due one after the other. */
  #expire(): number {
    const from = this.#time;
    for (let i = 0; i < operationsPerRound; i++)
      this.#execute(encodeOperation({ kind: 'out', space, tuple: ['soon', i], lease: 10_000 + i }));
    const beganMs = performance.now();
    for (let i = 0; i < operationsPerRound; i++) {
      this.#time = from + 10_000 + i;
      this.#service.advanceTime(this.#time, noEffects);
    }
    this.#service.checkpoint();
    return performance.now() - beganMs;
  }

  #operation(kind: Exclude<Kind, 'expire'>): Operation {
    // Scattered, and each entry once in a while.
    const key = this.#taken + ((this.#number * 7_919) % Math.max(1, this.#inserted - this.#taken));
    this.#number++;
    switch (kind) {
      case 'out':
        return { kind, space, tuple: ['timed', this.#inserted++], lease: hourMs };
      case 'rdp':
        return { kind, space, template: [value('timed'), value(key)] };
      case 'renew':
        return { kind, space, template: [value('timed'), value(key)], lease: hourMs };
      case 'inp':
        return { kind, space, template: [value('timed'), value(this.#taken++)] };
    }
  }

  #insert(i: number): void {
    this.#inserted++;
    const lease = hourMs + ((i * 7_919) % this.#entries);
    this.#execute(encodeOperation({ kind: 'out', space, tuple: ['timed', i], lease }));
  }

  #execute(operation: Uint8Array): void {
    executeAlone(this.#service, { client: owner, operation, time: this.#time });
  }
}

export function runLeaseScale(entries: readonly [number, number]): LeaseScaleFigures {
  const subjects = entries.map((count) => new Subject(count));
  const figures: Record<string, LeaseScaleFigure> = {};
  for (const kind of kinds) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < roundsPerSize; round++)
      for (const [index, subject] of subjects.entries()) times[index]!.push(subject.measure(kind));
    const [few, many] = times.map((each) => (median(each) * 1_000) / operationsPerRound);
    figures[kind] = leaseScaleFigure('µs', few!, many!);
  }
  return figures;
}
