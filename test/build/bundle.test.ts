/** What scripts/bundle.js leaves behind: npm run build. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package.js';
import { workplace } from '../support/processes.js';

const TIMEOUT_MS = 120_000;
const ROOT = packageRoot();
const BUNDLE = join(ROOT, 'dist', 'bundle');
const folder = workplace();

/** The code cache without its checksum, if that is right; else what `loadBundle` finds: none. */
function cacheOf(file: string, bundle: string): Buffer | null {
  const bytes = readFileSync(file);
  const cache = bytes.subarray(0, -4);
  return crc32(cache, crc32(readFileSync(bundle))) === bytes.readUInt32LE(cache.length) ? cache : null;
}

/** Whether V8 takes a code cache, with the flags that `lockstep` has. */
function isAccepted(cache: Buffer | null, bundle: string): boolean {
  const program = `
    const { readFileSync } = require('node:fs');
    const source = require('node:module').wrap(readFileSync(process.argv[1], 'latin1'));
    const script = new (require('node:vm').Script)(source, { filename: 'main.cjs', cachedData: readFileSync(0) });
    process.stdout.write(String(!script.cachedDataRejected));
  `;
  const args = ['--input-type=commonjs', '--eval', program, bundle];
  return cache !== null && execFileSync(process.execPath, args, { encoding: 'utf8', input: cache }) === 'true';
}

describe('the bundle', { timeout: TIMEOUT_MS }, () => {
  it.each(['src/cli/main', 'worker/compute-thread', 'worker/data-thread'])('stands in for %s', (entry) => {
    const text = readFileSync(join(ROOT, 'dist', `${entry}.js`), 'utf8');
    const [, name] = /^loadBundle\('([\w-]+)'/m.exec(text) ?? [];
    expect(entry.endsWith(`/${name}`), 'npm run build, not tsc alone').toBe(true);
    expect(readdirSync(BUNDLE)).toContain(`${name}.cjs`);
  });

  it('is ASCII, as it is read', () => {
    for (const file of readdirSync(BUNDLE).filter((name) => name.endsWith('.cjs')))
      expect(
        readFileSync(join(BUNDLE, file)).findIndex((byte) => byte > 0x7f),
        file,
      ).toBe(-1);
  });

  it.each(['coordinator', 'worker'])('has a code cache that fits it, for a %s', (role) => {
    const bundle = join(BUNDLE, 'main.cjs');
    expect(isAccepted(cacheOf(join(BUNDLE, `${role}.cache`), bundle), bundle)).toBe(true);
  });

  it('comes with the licences of the libraries in it', () => {
    const text = readFileSync(join(BUNDLE, 'LICENSES.txt'), 'utf8');
    for (const name of ['@grpc/grpc-js', 'protobufjs', 'zod', 'yaml', 'commander'])
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, 'm'));
  });
});

describe('an installation elsewhere', { timeout: TIMEOUT_MS }, () => {
  const installed = join(folder, 'somewhere else', 'lockstep');
  mkdirSync(installed, { recursive: true });
  for (const part of ['bin', 'dist', 'proto', 'package.json'])
    cpSync(join(ROOT, part), join(installed, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  const lockstep = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [join(installed, 'bin', 'lockstep.js'), ...args], { encoding: 'utf8', cwd: folder });
  const hashOf = (run: string): unknown => {
    const out = join(folder, run);
    const args = ['train', join(ROOT, 'examples', 'dropout.yaml'), '--max-steps', '2', '--workers', '2', '--quiet'];
    lockstep(...args, '--backend', 'wasm', '--out', out);
    return (JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { weightsSha256: unknown }).weightsSha256;
  };

  const bundle = join(installed, 'dist', 'bundle', 'main.cjs');
  const caches = ['coordinator', 'worker'].map((name) => join(installed, 'dist', 'bundle', `${name}.cache`));

  it('finds its files', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(lockstep('--version')).toBe(`${version}\n`);
  });

  it('trains the same with its code caches, with those of another V8, with damaged ones and without', () => {
    const hash = hashOf('with');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    for (const file of caches) {
      const bytes = readFileSync(file);
      // The second word tells the version of V8.
      bytes.writeUInt32LE((bytes.readUInt32LE(4) ^ 1) >>> 0, 4);
      bytes.writeUInt32LE(crc32(bytes.subarray(0, -4), crc32(readFileSync(bundle))), bytes.length - 4);
      writeFileSync(file, bytes);
      expect(cacheOf(file, bundle)).not.toBeNull();
      expect(isAccepted(cacheOf(file, bundle), bundle)).toBe(false);
    }
    expect(hashOf('foreign')).toBe(hash);
    for (const [index, file] of caches.entries()) {
      const bytes = readFileSync(join(BUNDLE, basename(file)));
      if (index === 0) bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 4096);
      writeFileSync(file, index === 0 ? bytes : bytes.subarray(0, 2));
    }
    expect(hashOf('damaged')).toBe(hash);
    for (const file of caches) rmSync(file);
    expect(hashOf('without')).toBe(hash);
  });

  it('says where an error comes from, by the names of functions', () => {
    const command = [join(installed, 'bin', 'lockstep.js'), '--stack', 'train', 'nothing.yaml'];
    const { stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', cwd: folder });
    expect(stderr).toMatch(/nothing\.yaml/);
    expect(stderr).toMatch(/at .*jobFromFlags.*bundle[/\\]main\.cjs:\d+:\d+/);
  });
});
