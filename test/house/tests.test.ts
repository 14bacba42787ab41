import { describe, expect, it } from 'vitest';
import { readText, sourcesBelow } from './syntax.js';
import { testViolations } from './test-rules.js';

describe('tests', () => {
  it('leave none out and wait for events, not for the clock', () => {
    expect(sourcesBelow('test').flatMap((file) => testViolations(file, readText(file)))).toEqual([]);
  });
});

describe('the test check bites', () => {
  it.each([
    ['it.only("a", f); expect(1)', '.only'],
    ['describe.skip("a", f); expect(1)', '.skip'],
    ['it.concurrent.skip("a", f); expect(1)', '.skip'],
    ['test.each([1]).skip("a", f); expect(1)', '.skip'],
    ['it.todo("a"); expect(1)', '.todo'],
    ['await new Promise((f) => setTimeout(f, 9)); expect(1)', 'setTimeout'],
    ['import { setTimeout as sleep } from "node:timers/promises"; expect(1)', 'node:timers/promises'],
  ])('%s', (text, complaint) => {
    expect(testViolations('test/x.test.ts', text)).toEqual([`test/x.test.ts:1: ${complaint}`]);
  });

  it('on a file without an assertion', () => {
    expect(testViolations('test/x.test.ts', 'it("a", f);')).toEqual(['test/x.test.ts: asserts nothing']);
    expect(testViolations('test/helper.ts', 'f();')).toEqual([]);
  });
});
