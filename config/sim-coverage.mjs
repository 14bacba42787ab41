/**
 * `npm run sim:coverage -- --seeds 20`: plays seeds of the random scenarios in turn, within this process under V8's precise coverage,
 * and lists what they never reached of the rooms that every replica runs: per file the share of the lines that were reached,
 * then each block that was not, by the line of its source. `--seed 100`: from there on; `--rooms ordering`; `--scenarios random,twins`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20' },
    rooms: { type: 'string', default: 'ordering,space,service' },
    scenarios: { type: 'string', default: 'random,policies,mutations,confidential,twins' },
  },
});

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const { runConfidential, runRandom, runRed, runTwins } = await import('../dist/sim/index.js');
const scenarios = {
  random: (options) => runRandom(options),
  policies: (options) => runRandom({ ...options, guards: true }),
  mutations: (options) => runRandom({ ...options, behaviours: ['mutate'] }),
  confidential: (options) => runConfidential(options),
  red: (options) => runRed(options),
  twins: (options) => runTwins(options),
};

const names = values.scenarios.split(',');
for (let index = 0; index < Number(values.seeds); index++) {
  const seed = Number(values.seed) + index;
  const name = names[index % names.length];
  const { failure } = await scenarios[name]({ seed });
  console.error(
    `${name}, seed ${seed}: ${failure === undefined ? 'ok' : `${failure.kind} failure (${failure.checker})`}`,
  );
  if (failure !== undefined) process.exitCode = 1;
}

const { result } = await session.post('Profiler.takePreciseCoverage');
const reports = values.rooms.split(',').flatMap((room) =>
  readdirSync(`${dist}${room}`)
    .filter((name) => name.endsWith('.js') && existsSync(sourceOf(`${room}/${name}`)))
    .map((name) => reportOf(`${room}/${name}`)),
);
show(reports);

/** Files that are gone may have left their output behind. */
function sourceOf(file) {
  return fileURLToPath(new URL(`../src/${file.replace(/\.js$/, '.ts')}`, import.meta.url));
}

/** How often each character was reached: V8 gives blocks from the outside in, functions in the order of the text. */
function countsOf(text, functions) {
  const counts = new Int32Array(text.length).fill(-1);
  const ranges = functions.flatMap(({ ranges }) => ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  return counts;
}

/** A line is reached if nothing on it but brackets and comments is not. */
function reportOf(file) {
  const path = `${dist}${file}`;
  const text = readFileSync(path, 'utf8');
  const script = result.find(({ url }) => url === pathToFileURL(path).href);
  const counts = countsOf(text, script?.functions ?? []);
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  const sourceFile = `src/${file.replace(/\.js$/, '.ts')}`;
  const sources = readFileSync(sourceOf(file), 'utf8').split('\n');
  const blocks = [];
  let [lines, reached, offset] = [0, 0, 0];
  let isWithin = false;
  let isComment = false;
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed.startsWith('/*')) isComment = true;
    const isCode =
      !isComment && !/^(\/\/.*|[\])},;\s]*|import .*|export (\*|\{).*|\} else \{)$/.test(trimmed);
    if (trimmed.endsWith('*/')) isComment = false;
    const column = isCode ? unreachedColumn(line, counts, offset) : null;
    if (isCode) lines++;
    if (isCode && column === null) reached++;
    if (isCode && column !== null && !isWithin) {
      const source = map.findEntry(index, column);
      const number = (source.originalLine ?? index) + 1;
      blocks.push({ line: number, text: (sources[number - 1] ?? line).trim() });
    }
    if (isCode) isWithin = column !== null;
    offset += line.length + 1;
  }
  return { file: sourceFile, lines, reached, blocks };
}

function unreachedColumn(line, counts, offset) {
  for (let column = 0; column < line.length; column++)
    if (counts[offset + column] === 0 && /[\w'"`[(!-]/.test(line[column])) return column;
  return null;
}

function show(all) {
  const share = (some) => {
    const sum = (key) => some.reduce((total, each) => total + each[key], 0);
    return `${((100 * sum('reached')) / Math.max(1, sum('lines'))).toFixed(1)} % of ${sum('lines')} lines`;
  };
  for (const report of all) {
    if (report.lines === 0) continue;
    console.log(`${report.file}: ${share([report])}`);
    for (const { line, text } of report.blocks)
      console.log(`  ${report.file}:${line}  ${text.slice(0, 120)}`);
  }
  for (const room of values.rooms.split(','))
    console.log(`src/${room}: ${share(all.filter(({ file }) => file.startsWith(`src/${room}/`)))}`);
}
