/** Some of the bugs that the search finds by itself (`npm run sim:canaries` looks for all), with seeds that are soon over. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { protocolBugs, runTwins } from '../../src/sim/index.js';

const named = (name: string): (typeof protocolBugs)[number] =>
  protocolBugs.find((each) => each.name === name)!;

describe('protocol bugs', () => {
  it.each([
    ['over-gaps', 6, 'agreement'],
    ['no-body-digests', 6, 'agreement'],
    ['small-quorum', 9, 'agreement'],
    ['forgotten-q', 10, 'convergence'],
    ['no-resending', 6, 'convergence'],
    ['no-reply-cache', 6, 'exactly-once'],
    ['stale-read', 1, 'fast-reads'],
    ['gullible-client', 14, 'fast-reads'],
  ])('%s: found by scenario %i of Twins, and nothing is noticed there without it', (name, seed, checker) => {
    const { failure } = runTwins({ seed, tampering: named(name).tampering() });
    expect(failure?.checker, failure?.message).toBe(checker);
    expect(runTwins({ seed }).failure).toBeUndefined();
  });

  it('have names of their own, and are all listed with what the search needs to find them', () => {
    const names = protocolBugs.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const page = readFileSync(new URL('../../docs/verification.md', import.meta.url), 'utf8');
    expect(names.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });
});
