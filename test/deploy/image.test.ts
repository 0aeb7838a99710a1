import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readDeployFile } from './manifests.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Instruction {
  readonly keyword: string;
  readonly argument: string;
}

/** The instructions of each stage, lines joined and comments left out. */
function stages(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
  const found: Instruction[][] = [];
  for (const line of lines) {
    const [keyword = '', ...rest] = line.split(' ');
    if (keyword === 'FROM') found.push([]);
    found.at(-1)?.push({ keyword, argument: rest.join(' ') });
  }
  return found;
}

const [build = [], image = []] = stages(read('deploy/Dockerfile'));
const argumentsOf = (stage: Instruction[], keyword: string): string[] =>
  stage.filter((instruction) => instruction.keyword === keyword).map(({ argument }) => argument);

describe('the image', () => {
  it('is built in one stage and run from another, on the same base', () => {
    expect(argumentsOf(build, 'FROM')).toEqual(['node:20-bookworm-slim AS build']);
    expect(argumentsOf(image, 'FROM')).toEqual(['node:20-bookworm-slim']);
  });

  it('installs what the lock file says and leaves out what only a build needs', () => {
    const runs = argumentsOf(build, 'RUN').join('\n');
    expect(runs).toMatch(/^npm ci /);
    expect(runs).toMatch(/npm run build.*npm prune --omit=dev/);
  });

  it('has OpenBLAS inside', () => {
    expect(argumentsOf(image, 'RUN').join('\n')).toContain('libopenblas0-pthread');
  });

  it('runs as the user of the pods, by number, and leaves probing to them', () => {
    expect(argumentsOf(image, 'USER')).toEqual(['10001:10001']);
    expect(argumentsOf(image, 'HEALTHCHECK')).toEqual(['NONE']);
    expect(argumentsOf(image, 'ENTRYPOINT')).toEqual(['["lockstep"]']);
  });

  it('holds the command that the package declares, with what it imports', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: { lockstep: string } };
    expect(argumentsOf(image, 'RUN').join('\n')).toContain(`ln -s /app/${bin.lockstep} /usr/local/bin/lockstep`);
    for (const path of ['package.json', 'node_modules', 'proto', 'bin', 'dist']) {
      expect(argumentsOf(image, 'COPY')).toContain(`--from=build /build/${path} /app/${path}`);
    }
  });

  it('has the version of the package in the base', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(parse(readDeployFile('base/kustomization.yaml'))).toMatchObject({
      images: [{ name: 'lockstep', newTag: version }],
    });
  });

  it('is not built from what the host installed, nor from anything of no use to it', () => {
    const ignored = read('.dockerignore').split('\n');
    for (const path of ['**/node_modules', 'dist', 'runs', '.git', 'test']) expect(ignored).toContain(path);
    for (const path of ['src', 'coordinator', 'worker', 'proto', 'bin', 'scripts', 'package-lock.json', '.npmrc']) {
      expect(ignored).not.toContain(path);
    }
  });
});
