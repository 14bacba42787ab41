/**
 * `theodora keys …`: a key file of the operator in shares, so that no single person or place has it. Prints names of files
 * and numbers, never a part of a key.
 */
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { addFiles, checkFilesAreNew } from '../cluster-directory.js';
import type { NewFile } from '../cluster-directory.js';
import { integerArgument } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { examples } from './entries.js';

// As the crypto room bounds them; it is loaded only when a command runs.
const sharesMax = 255;
const thresholdMin = 2;

interface SplitOptions {
  readonly shares: number;
  readonly threshold: number;
  readonly out: string;
}

interface CombineOptions {
  readonly out: string;
}

async function split({ output }: Context, path: string, options: SplitOptions): Promise<ExitStatus> {
  const { shares, threshold, out } = options;
  const { formatKeyShare, readKeyBytes, splitKey } = await import('../../crypto/index.js');
  const name = basename(path);
  const content = readKeyBytes(path, 'a key');
  const parts = await splitKey(content, { name, shares, threshold });
  content.fill(0);
  const files = parts.map((part): NewFile => {
    return { path: `${name}.share-${part.index}`, content: formatKeyShare(part), mode: 0o600 };
  });
  addFiles(out, files);
  const paths = files.map((file) => join(out, file.path));
  const { set } = parts[0]!;
  output.result({ of: path, set, threshold, shares: paths }, () =>
    [
      ...paths,
      `Any ${threshold} of them bring ${name} back (set ${set}); fewer say nothing. Keep each in another place.`,
      `Try \`theodora keys combine\` before you destroy ${path}.`,
    ].join('\n'),
  );
  return exitStatus.ok;
}

async function combine({ output }: Context, paths: readonly string[], out: string): Promise<ExitStatus> {
  const { combineKey, parseKeyShare, readKeyFile } = await import('../../crypto/index.js');
  const file = (content: Uint8Array): NewFile => ({ path: basename(out), content, mode: 0o600 });
  checkFilesAreNew(dirname(out), [file(new Uint8Array())]);
  const shares = paths.map((path) => {
    return { path, share: parseKeyShare(readKeyFile(path, 'a share of a key'), path) };
  });
  const content = await combineKey(shares);
  addFiles(dirname(out), [file(content)]);
  content.fill(0);
  const { of, set } = shares[0]!.share;
  output.result({ key: out, of, set }, () => `${out}: ${of} as it was split`);
  return exitStatus.ok;
}

export function registerKeys(program: Command, bind: Bind): void {
  const keys = program.command('keys').description('a key file in shares: split, combine');
  keys
    .command('split')
    .argument('<file>', "a key file, such as the certificate authority's or the admin's")
    .requiredOption('--shares <n>', 'how many shares to make', integerArgument(thresholdMin, sharesMax))
    .requiredOption(
      '--threshold <n>',
      'how many of them bring the key back',
      integerArgument(thresholdMin, sharesMax),
    )
    .option('--out <dir>', 'where to write the shares', '.')
    .description('split a key file into shares; the file stays')
    .addHelpText('after', examples('keys split .theodora/ca/ca.key --shares 5 --threshold 3 --out shares'))
    .action(bind<SplitOptions>((context, [file = ''], options) => split(context, file, options)));
  keys
    .command('combine')
    .argument('<file...>', 'as many shares of one set as its threshold says, or more')
    .requiredOption('--out <file>', 'the key file to write; it must not exist')
    .description('bring a key file back from its shares, to the byte')
    .addHelpText('after', examples('keys combine ca.key.share-1 ca.key.share-3 ca.key.share-4 --out ca.key'))
    .action(bind<CombineOptions>((context, paths, { out }) => combine(context, paths, out)));
}
