/** For tests of policies: modules from a line of text, compiled files, a naive space to look into. */
import { createHash } from 'node:crypto';
import { digest, type Digest } from '../../src/base/index.js';
import { normalizeTemplate, normalizeTuple } from '../../src/codec/index.js';
import type { Template, Tuple } from '../../src/codec/index.js';
import { compilePolicy } from '../../src/cli/policy-compiler.js';
import { loadPolicy } from '../../src/policy/index.js';
import type { LookupEntry, Policy, PolicyAttempt, PolicyLookups, Verdict } from '../../src/policy/index.js';
import { matches } from '../../src/space/index.js';

export const sha256 = (bytes: Uint8Array): Digest => digest(createHash('sha256').update(bytes).digest('hex'));

/** A module with these rules; `before` stands in front of them. */
export const moduleOf = (rules: string, before = ''): string =>
  `import { definePolicy, template, any, formal, double } from "theodora/policy";\n${before}\nexport default definePolicy({ ${rules} });`;

/** A module whose rule for `out` has this body. */
export const moduleWithBody = (body: string, before = ''): string =>
  moduleOf(
    `out: (attempt) => { const { invoker, operation, tuple, lease, time, space } = attempt; ${body} }`,
    before,
  );

export const load = (source: string): Policy => loadPolicy(source, sha256);

export async function loadFile(path: string): Promise<Policy> {
  return load((await compilePolicy(path)).source);
}

/** Entries in order of insertion; every one counts as a candidate of every lookup. */
export function lookupsOver(entries: readonly LookupEntry[]): PolicyLookups {
  return {
    rdp(template, charge) {
      charge(entries.length);
      return entries.find(({ tuple }) => matches(template, tuple)) ?? null;
    },
    rdAll(template, limit, charge) {
      charge(entries.length);
      const found = entries.filter(({ tuple }) => matches(template, tuple));
      return limit === 0 ? found : found.slice(0, limit);
    },
    count(template, charge) {
      charge(entries.length);
      return entries.filter(({ tuple }) => matches(template, tuple)).length;
    },
  };
}

/** A space of these tuples, with ids from 1 on, inserted by nobody in particular. */
export const spaceOf = (...tuples: readonly (readonly unknown[])[]): PolicyLookups =>
  lookupsOver(
    tuples.map((tuple, i) => ({
      id: BigInt(i + 1),
      tuple: normalizeTuple(tuple),
      owner: 'somebody',
      deadline: null,
    })),
  );

export const tupleOf = (...fields: readonly unknown[]): Tuple => normalizeTuple(fields);
export const templateOf = (...fields: readonly unknown[]): Template => normalizeTemplate(fields);

export const outOf = (tuple: readonly unknown[], rest: Partial<PolicyAttempt> = {}): PolicyAttempt => ({
  operation: 'out',
  invoker: 'alice',
  time: 1_000,
  tuple: normalizeTuple(tuple),
  lease: null,
  ...rest,
});

/** `allowed`, or the code of the denial. */
export const codeOf = (verdict: Verdict): string => (verdict.kind === 'allowed' ? 'allowed' : verdict.code);

/** The verdict on `out` of a tuple by a rule with this body. */
export function judge(
  body: string,
  tuple: readonly unknown[] = [],
  before = '',
  lookups = spaceOf(),
): Verdict {
  return load(moduleWithBody(body, before)).evaluate(outOf(tuple), lookups);
}
