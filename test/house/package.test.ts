import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, readText, repository } from './syntax.js';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
  readonly license: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readText('package.json')) as Manifest;
const locked = (JSON.parse(readText('package-lock.json')) as { packages: Record<string, LockedPackage> })
  .packages;
const wanted = { ...manifest.dependencies, ...manifest.devDependencies };

/** Lines of our texts that match, as `file:line`. */
function linesWith(pattern: RegExp, folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => filesBelow(folder))
    .filter((file) => !file.includes('/generated/') && /\.(ts|js|mjs|proto|md|ya?ml)$/.test(file))
    .flatMap((file) =>
      readText(file)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
    );
}

describe('package.json', () => {
  it('pins exact versions', () => {
    expect(Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('is in step with the lock file, which names no registry', () => {
    expect(locked['']?.dependencies).toEqual(manifest.dependencies);
    expect(locked['']?.devDependencies).toEqual(manifest.devDependencies);
    for (const [name, version] of Object.entries(wanted)) {
      expect(locked[`node_modules/${name}`]?.version, name).toBe(version);
    }
    expect(Object.entries(locked).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it('names files that the build makes', () => {
    const exported = Object.values(manifest.exports).flatMap((conditions) => Object.values(conditions));
    const paths = [...manifest.files, ...Object.values(manifest.bin), ...exported];
    expect(paths.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it('offers the commands that the README names', () => {
    for (const name of [
      'start',
      'test',
      'verify',
      'fix',
      'build',
      'sim',
      'sim:long',
      'fuzz',
      'kill',
      'bench',
    ]) {
      expect(manifest.scripts, name).toHaveProperty([name]);
    }
  });

  it('is licensed as the LICENSE file says', () => {
    expect(manifest.license).toBe('Apache-2.0');
    expect(readText('LICENSE')).toContain('Apache License');
    expect(readText('LICENSE')).toContain('Version 2.0, January 2004');
  });
});

describe('texts', () => {
  it('in src hold nothing unfinished and switch no check off', () => {
    expect(
      linesWith(/\b(TODO|FIXME|XXX|not implemented)\b|@ts-(ignore|nocheck)|eslint-disable(?!.* -- )/i, [
        'src',
      ]),
    ).toEqual([]);
  });

  it('name no place on one machine', () => {
    const folders = ['src', 'bench', 'config', 'docs', 'policy'];
    expect(linesWith(/(^|[\s'"`(=])\/(home|root|work|Users|mnt|opt)\//, folders)).toEqual([]);
  });
});
