import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { createLogger } from '../../src/observe/logger.js';
import type { LogDestination } from '../../src/observe/logger.js';

class Lines implements LogDestination {
  text = '';
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
  records(): Record<string, unknown>[] {
    return this.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

describe('createLogger', () => {
  it('writes one JSON object per line where no human reads', () => {
    const lines = new Lines(false);
    const logger = createLogger({ role: 'coordinator', destination: lines });
    logger.info({ epoch: 3, workers: 2 }, 'all workers are ready');
    logger.info('done');
    const [first, second] = lines.records();
    expect(first).toMatchObject({
      level: 'info',
      role: 'coordinator',
      epoch: 3,
      workers: 2,
      msg: 'all workers are ready',
    });
    expect(first?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(second).toMatchObject({ msg: 'done' });
  });

  it('writes JSON on a terminal where it was asked for', () => {
    const lines = new Lines(true);
    createLogger({ role: 'worker', json: true, destination: lines }).info('joined');
    expect(lines.records()[0]).toMatchObject({ role: 'worker', msg: 'joined' });
  });

  it('writes for a human on a terminal', () => {
    const lines = new Lines(true);
    createLogger({ role: 'worker', destination: lines }).info({ rank: 1 }, 'joined');
    // Colours are not the subject here.
    const plain = lines.text.replaceAll(new RegExp(String.raw`\u001b\[\d+m`, 'g'), '');
    expect(plain).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: worker: joined \{"rank":1\}\n$/);
  });

  it('is quieter beside the display of train', () => {
    const lines = new Lines(false);
    const logger = createLogger({ role: 'train', destination: lines });
    logger.info('checkpoint written');
    logger.warn('worker lost');
    expect(lines.records().map((record) => record['msg'])).toEqual(['worker lost']);
  });

  it('takes a level and refuses one that does not exist', () => {
    const lines = new Lines(false);
    createLogger({ role: 'worker', level: 'debug', destination: lines }).debug('plan received');
    expect(lines.records()[0]).toMatchObject({ level: 'debug' });
    expect(() => createLogger({ role: 'worker', level: 'loud' })).toThrow(
      expect.objectContaining({ code: 'usage', message: 'There is no log level "loud"' }),
    );
  });

  it('never writes a secret', () => {
    const lines = new Lines(false);
    createLogger({ role: 'worker', destination: lines }).info(
      { token: 's3cret', request: { joinToken: 's3cret' } },
      'join',
    );
    expect(lines.text).not.toContain('s3cret');
    expect(lines.records()[0]).toMatchObject({ token: '[redacted]', request: { joinToken: '[redacted]' } });
  });

  it('writes what a user can act on without a stack, and a defect with one', () => {
    const lines = new Lines(false);
    const logger = createLogger({ role: 'worker', destination: lines });
    logger.error({ err: new LockstepError('data', 'x.csv, row 3: no label', { hint: 'Name the column.' }) }, 'failed');
    logger.error({ err: new TypeError('x is undefined') }, 'failed');
    const [known, defect] = lines.records();
    expect(known?.['err']).toEqual({ code: 'data', message: 'x.csv, row 3: no label', hint: 'Name the column.' });
    expect(defect?.['err']).toMatchObject({
      message: 'x is undefined',
      stack: expect.stringContaining('TypeError') as unknown,
    });
  });
});
