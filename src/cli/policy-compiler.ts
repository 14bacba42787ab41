/**
 * A policy file to the one module that replicas take: esbuild puts the user's own files together and drops the
 * types; `theodora/policy` stays an import, which the engine binds itself. The same files give the same
 * module on every machine, whatever their path and whatever configuration lies around.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import type { BuildOptions, Message } from 'esbuild';
import { InvalidInputError } from '../base/index.js';
import { checkPolicy, type PolicyOutline } from '../policy/index.js';

export interface CompiledPolicy extends PolicyOutline {
  readonly source: string;
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function options(file: string): BuildOptions {
  return {
    entryPoints: [basename(file)],
    absWorkingDir: dirname(file),
    outdir: dirname(file),
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    charset: 'utf8',
    external: ['theodora/policy'],
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: false,
    tsconfigRaw: {},
    logLevel: 'silent',
  };
}

function invalid(message: string, place: Place | null, rule: string, cause?: unknown): InvalidInputError {
  const where = place === null ? '' : `${place.file}:${place.line}:${place.column}: `;
  return new InvalidInputError('POLICY_INVALID', `${where}${message} [${rule}]`, { rule, ...place }, cause);
}

function fromEsbuild(error: unknown, file: string): InvalidInputError {
  const [first] = (error as { errors?: readonly Message[] }).errors ?? [];
  if (first === undefined) throw error;
  const { location, text } = first;
  const place = location && { file: location.file, line: location.line, column: location.column + 1 };
  return invalid(text, place ?? { file: basename(file), line: 1, column: 1 }, 'syntax', error);
}

/** Where a place of the compiled module was in the user's files. */
function original(map: string, line: number, column: number): Place | null {
  const entry = new SourceMap(JSON.parse(map) as SourceMapPayload).findEntry(line - 1, column - 1);
  if (!('originalSource' in entry) || entry.originalSource === undefined) return null;
  return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

/**
 * Compiles and checks a policy file.
 * @throws InvalidInputError `POLICY_INVALID` with rule, file, line and column in the user's own files
 */
export async function compilePolicy(path: string): Promise<CompiledPolicy> {
  const file = resolve(path);
  const { build } = await import('esbuild');
  const { outputFiles = [] } = await build(options(file)).catch((error: unknown) => {
    throw fromEsbuild(error, file);
  });
  const source = outputFiles.find((output) => output.path.endsWith('.js'))?.text ?? '';
  const map = outputFiles.find((output) => output.path.endsWith('.map'))?.text ?? '{}';
  const check = checkPolicy(source);
  if (check.ok) return { ...check, source };
  const { rule, message, line, column } = check.problem;
  throw invalid(message, original(map, line, column), rule);
}
