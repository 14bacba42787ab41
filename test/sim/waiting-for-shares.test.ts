/** In simulation too what is sealed waits for shares, nothing else does, and a process that ends tells nothing any more. */
import { describe, expect, it } from 'vitest';
import { clientId, clientName, sessionId } from '../../src/base/index.js';
import { encodeEvent, encodeResult, hidden } from '../../src/codec/index.js';
import type { ClientOutput } from '../../src/sim/server-streams.js';
import { Simulator } from '../../src/sim/simulator.js';
import { WaitingForShares } from '../../src/sim/waiting-for-shares.js';

const client = clientId('a'.repeat(64));
const session = sessionId(3);
const sealed = { bytes: Uint8Array.of(1), space: 's', inserter: client, session, number: 1 };
const entry = { id: 1n, tuple: [hidden], owner: clientName('ann'), deadline: null };
const sealedResult = encodeResult({ kind: 'entry', entry: { ...entry, sealed } });
const plainResult = encodeResult({ kind: 'count', count: 1 });
const sealedEvent = encodeEvent({ kind: 'inserted', entry: { ...entry, sealed } });
const plainEvent = encodeEvent({ kind: 'ended', code: 'SPACE_DELETED' });

class Fixture {
  readonly simulator = new Simulator();
  readonly told: string[] = [];
  readonly waiting: WaitingForShares;

  /** What is drawn for one after the other. */
  constructor(...delaysUs: number[]) {
    this.waiting = new WaitingForShares(this.simulator, () => delaysUs.shift()!);
  }

  reply(name: string, result: Uint8Array): void {
    const outcomes = [{ kind: 'result', result } as const];
    this.#tell(name, { kind: 'reply', client, session, firstNumber: 1, outcomes });
  }

  read(name: string, wantsShares: boolean): void {
    this.#tell(name, { kind: 'readReply', client, readId: 1, result: sealedResult }, wantsShares);
  }

  event(name: string, stream: number, data: Uint8Array): void {
    this.#tell(name, { kind: 'feedEvent', stream, session, number: 1, previous: 0, sequence: 1, data });
  }

  truncated(name: string, stream: number): void {
    this.#tell(name, { kind: 'feedTruncated', stream, session, number: 1, after: 1 });
  }

  #tell(name: string, output: ClientOutput, wantsShares = true): void {
    this.waiting.tell(output, wantsShares, () => this.told.push(name));
  }
}

describe('what waits for shares', () => {
  it('is what is sealed, if its shares are wanted', () => {
    const fixture = new Fixture(20, 10);
    fixture.reply('sealed', sealedResult);
    fixture.read('read', true);
    fixture.read('read of others', false);
    fixture.reply('plain', plainResult);
    expect(fixture.told).toEqual(['read of others', 'plain']);
    fixture.simulator.run(20);
    expect(fixture.told.slice(2)).toEqual(['read', 'sealed']);
  });

  it('keeps the events of one stream in order, and those of others do not wait', () => {
    const fixture = new Fixture(20, 10, 5);
    fixture.event('1', 1, sealedEvent);
    fixture.event('2', 1, sealedEvent);
    fixture.event('3', 1, plainEvent);
    fixture.truncated('end', 1);
    fixture.event('other', 2, plainEvent);
    expect(fixture.told).toEqual(['other']);
    fixture.simulator.run(20);
    expect(fixture.told.slice(1)).toEqual(['1', '2', '3', 'end']);
    fixture.event('4', 1, plainEvent);
    expect(fixture.told.at(-1)).toBe('4');
  });

  it('is lost with its process, and held while that is stopped', () => {
    const fixture = new Fixture(10, 10);
    fixture.reply('lost', sealedResult);
    fixture.waiting.lose();
    fixture.reply('held', sealedResult);
    fixture.waiting.pause();
    fixture.simulator.run(20);
    expect(fixture.told).toEqual([]);
    fixture.waiting.resume();
    expect(fixture.told).toEqual(['held']);
  });
});
