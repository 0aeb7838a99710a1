import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TraceFile } from '../../../coordinator/trace/trace-file.js';
import { LockstepError } from '../../../src/common/errors.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-trace-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (): string => join(folder, 'trace.json');

describe('a trace file', () => {
  it('is an array of its events, and appears when it is whole', () => {
    const file = new TraceFile(path());
    file.append(['{"a":1}', '{"b":2}']);
    file.append(['{"c":3}']);
    expect(existsSync(path())).toBe(false);
    file.finish();
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
    expect(readdirSync(folder)).toEqual(['trace.json']);
    expect(file.events).toBe(3);
    expect(file.failure).toBeNull();
  });

  it('is valid without any event', () => {
    new TraceFile(path()).finish();
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual([]);
  });

  it('holds as many events as there are', () => {
    const file = new TraceFile(path());
    const line = JSON.stringify({ text: 'é'.repeat(200) });
    for (let i = 0; i < 4_000; i += 1) file.append([line]);
    file.finish();
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toHaveLength(4_000);
  });

  it('takes the place of an older one only at its end, and stays what it is afterwards', () => {
    writeFileSync(path(), 'old');
    const file = new TraceFile(path());
    file.append(['1']);
    expect(readFileSync(path(), 'utf8')).toBe('old');
    file.finish();
    file.append(['2']);
    file.finish();
    file.discard();
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual([1]);
  });

  it('leaves nothing behind when it is given up', () => {
    const file = new TraceFile(path());
    file.append(['1']);
    file.discard();
    file.finish();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is completed when the process ends without waiting', () => {
    const before = process.listeners('exit');
    const file = new TraceFile(path());
    file.append(['1']);
    const [onExit] = process.listeners('exit').filter((listener) => !before.includes(listener));
    onExit?.(143);
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual([1]);
    expect(process.listeners('exit')).toEqual(before);
  });

  it.each([
    ['a folder that is not there', () => join(folder, 'missing', 'trace.json'), 'no such file or folder'],
    ['a folder', () => folder, 'it is not an ordinary file'],
    ['a device', () => '/dev/null', 'it is not an ordinary file'],
    ['a file as a folder', () => join(writeIn('file'), 'trace.json'), 'a part of the path is a file'],
  ])('cannot be %s', (_what, target, message) => {
    const open = (): TraceFile => new TraceFile(target());
    expect(open).toThrow(LockstepError);
    expect(open).toThrow(message);
    expect(open).toThrow(expect.objectContaining({ exitCode: 64 }));
  });

  it('says why it could not be written to its end', () => {
    const file = new TraceFile(path());
    mkdirSync(path());
    file.finish();
    expect(file.failure?.message).toContain('it is a folder');
    expect(readdirSync(folder)).toEqual(['trace.json']);
  });
});

function writeIn(name: string): string {
  const created = join(folder, name);
  writeFileSync(created, '');
  return created;
}
