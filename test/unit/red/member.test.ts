/** The rule by which a database replica obeys its coordinator, where the database itself fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  formatReplicaMessage,
  Member,
  parseCoordinatorLine,
  type MemberInput,
} from '../../../src/red/index.js';

let member: Member;
beforeEach(() => {
  member = new Member({ id: 'r1', address: 'db:5432', marginMs: 1_000, pingMs: 400 });
  give({ kind: 'tick', nowMs: 0 });
  give({ kind: 'connected' });
});

/** What it says and does, without its pings. */
function give(input: MemberInput): readonly string[] {
  return member
    .step(input)
    .map((output) => (output.kind === 'say' ? formatReplicaMessage(output.message) : output.act.kind))
    .filter((text) => !text.startsWith('PING'));
}

function hear(line: string): readonly string[] {
  const parsed = parseCoordinatorLine(line);
  return 'message' in parsed ? give({ kind: 'message', message: parsed.message }) : [parsed.problem];
}

function becomeCopier(ping: number): void {
  expect(hear('MAKECOPIER')).toEqual([]);
  expect(hear(`PONG ${ping} 5000`)).toEqual(['copy']);
}

describe('a database that fails by itself', () => {
  it('is stopped, says so, and takes part again only once it is mended', () => {
    expect(hear('HELLO red/2')).toEqual(['ADDRESS db:5432', 'BOOTED r1']);
    becomeCopier(2);
    expect(give({ kind: 'failed' })).toEqual(['stop']);
    expect(member.role).toBe('stopping');
    expect(give({ kind: 'failed' })).toEqual([]);
    expect(give({ kind: 'stopped' })).toEqual(['STOPPED']);
    expect(hear('MAKECOPIER')).toEqual([]);
    give({ kind: 'disconnected' });
    expect(give({ kind: 'connected' })).toEqual(['HELLO red/2']);
    expect(hear('HELLO red/2')).toEqual(['ADDRESS db:5432']);
    expect(give({ kind: 'mended' })).toEqual(['BOOTED r1']);
    expect(give({ kind: 'mended' })).toEqual([]);
    becomeCopier(4);
  });

  it('may be mended before it has stopped', () => {
    hear('HELLO red/2');
    becomeCopier(2);
    give({ kind: 'failed' });
    expect(give({ kind: 'mended' })).toEqual([]);
    expect(give({ kind: 'stopped' })).toEqual(['STOPPED', 'BOOTED r1']);
  });

  it('does not become what it has been told to be', () => {
    hear('HELLO red/2');
    expect(hear('MAKECOPIER')).toEqual([]);
    expect(give({ kind: 'failed' })).toEqual(['STOPPED']);
    expect(hear('PONG 2 5000')).toEqual([]);
    expect(member.role).toBe('stopped');
  });
});

describe('an order to write that comes before the order to copy is in effect', () => {
  it('is obeyed after it', () => {
    hear('HELLO red/2');
    expect(hear('MAKECOPIER')).toEqual([]);
    expect(hear('MAKEWRITER token=5 r2')).toEqual([]);
    // Asked before the second order.
    expect(hear('PONG 2 5000')).toEqual([]);
    expect(hear('BOOTED r3')).toEqual([]);
    expect(hear('PONG 3 5000')).toEqual(['copy', 'write', 'admit']);
    expect(member.role).toBe('writer');
  });

  it('and not at all if it was taken back', () => {
    hear('HELLO red/2');
    hear('MAKECOPIER');
    hear('MAKEWRITER token=5 r2');
    expect(hear('STEPDOWN')).toEqual(['STOPPED', 'BOOTED r1']);
    expect(hear('PONG 3 5000')).toEqual([]);
  });
});
