/** The tables of docs/adversaries.md, and what they have to say. */
import { readFileSync } from 'node:fs';
import type { Defence } from '../../src/sim/index.js';

interface Row {
  readonly name: string;
  readonly defence: string | undefined;
  /** Undefined: there is no such row of the defences. */
  readonly checkers: string | undefined;
}

/** Of the section about replicas or about clients, in the order of the page. */
export function listedAdversaries(of: 'replicas' | 'clients'): Row[] {
  const page = readFileSync(new URL('../../docs/adversaries.md', import.meta.url), 'utf8');
  const [replicas = '', clients = ''] = page.split('\n## Clients\n');
  const lines = (of === 'replicas' ? replicas : clients).split('\n');
  return lines.flatMap((line) => {
    const [, name, , defence, checkers] = line.split('|').map((cell) => cell.trim());
    if (name?.startsWith('`') !== true) return [];
    return [{ name, defence, checkers: checkers === '' ? undefined : checkers }];
  });
}

export function knownAdversaries(
  defences: readonly Defence[],
  undefended: Readonly<Record<string, string>>,
): Row[] {
  const sorted = [...defences].sort((a, b) => (a.behaviour < b.behaviour ? -1 : 1));
  const known = sorted.map(({ behaviour, defence, expects }) => ({
    name: `\`${behaviour}\``,
    defence,
    checkers: expects.map((checker) => `\`${checker}\``).join(', '),
  }));
  const others = Object.entries(undefended).map(([behaviour, why]) => ({
    name: `\`${behaviour}\``,
    defence: why,
    checkers: undefined,
  }));
  return [...known, ...others];
}
