/** Checks a file's imports against the table of rooms. */
import { posix } from 'node:path';
import { rooms } from './rooms.js';
import { importsOf, parse } from './syntax.js';
import type { Import } from './syntax.js';

const roomOf = (file: string): string => file.split('/')[1] ?? '';

/** The source that a relative import names. */
export function targetOf(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

function checkRelative(file: string, found: Import): string | null {
  const target = targetOf(file, found.specifier);
  const from = roomOf(file);
  const to = roomOf(target);
  if (!found.specifier.endsWith('.js')) return `"${found.specifier}" does not end in .js`;
  if (!target.startsWith('src/')) return `"${found.specifier}" leaves src`;
  if (from === to) return null;
  if (target !== `src/${to}/index.ts`) return `"${found.specifier}" goes past the door of ${to}`;
  const room = rooms[from];
  if (room?.imports.includes(to)) return null;
  if (!room?.types?.includes(to)) return `${from} may not import ${to}`;
  return found.isTypeOnly ? null : `${from} may import only types of ${to}`;
}

function checkPackage(file: string, found: Import): string | null {
  const from = roomOf(file);
  const allowed = rooms[from]?.packages ?? [];
  const isAllowed = allowed.some((name) =>
    name === 'node:'
      ? found.specifier.startsWith(name)
      : found.specifier === name || found.specifier.startsWith(`${name}/`),
  );
  return isAllowed ? null : `${from} may not use the package "${found.specifier}"`;
}

/** What is wrong with the imports of one file. */
export function importViolations(file: string, text: string): string[] {
  if (rooms[roomOf(file)] === undefined) return [`${file}: no room of the house`];
  return importsOf(parse(file, text)).flatMap((found) => {
    const isRelative = found.specifier.startsWith('.');
    const wrong = isRelative ? checkRelative(file, found) : checkPackage(file, found);
    return wrong === null ? [] : [`${file}:${found.line}: ${wrong}`];
  });
}

/** Import cycles among the given files, each once, as `a → b → a`. Type-only imports count too. */
export function findCycles(sources: ReadonlyMap<string, string>): string[] {
  const edges = new Map<string, readonly string[]>();
  for (const [file, text] of sources) {
    const targets = importsOf(parse(file, text))
      .filter((found) => found.specifier.startsWith('.'))
      .map((found) => targetOf(file, found.specifier));
    edges.set(
      file,
      targets.filter((target) => sources.has(target)),
    );
  }
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const walk = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '));
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of edges.get(file) ?? []) walk(target);
    path.pop();
    done.add(file);
  };
  for (const file of sources.keys()) walk(file);
  return cycles;
}
