import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package.js';

const root = packageRoot();
const committed = join(root, 'src/rpc/generated');
let fresh: string;

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

beforeAll(() => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [program, ...args] = (scripts['generate:proto'] ?? '').split(' ');
  fresh = mkdtempSync(join(tmpdir(), 'lockstep-proto-'));
  const here = args.map((argument) => (argument.startsWith('--outDir=') ? `--outDir=${fresh}` : argument));
  execFileSync(process.execPath, [join(root, 'node_modules/.bin', program ?? ''), ...here], { cwd: root });
});

afterAll(() => rmSync(fresh, { recursive: true, force: true }));

describe('the generated types of the protocol', () => {
  it('are those of lockstep.proto: else run npm run generate:proto', () => {
    expect(filesOf(committed)).toEqual(filesOf(fresh));
    for (const file of filesOf(fresh)) {
      expect(readFileSync(join(committed, file), 'utf8'), file).toBe(readFileSync(join(fresh, file), 'utf8'));
    }
  });
});
