import { Writable } from 'node:stream';
import { createLogUpdate } from 'log-update';
import { describe, expect, it } from 'vitest';
import { ProgressDisplay, displayMode } from '../../src/observe/progress-display.js';
import type { DisplayMode } from '../../src/observe/progress-display.js';
import { renderProgress } from '../../src/observe/progress.js';
import { renderSummary } from '../../src/observe/summary.js';
import { ManualClock } from '../support/manual-clock.js';
import { finishedRun, trainingState } from './states.js';

class Terminal extends Writable {
  readonly columns = 80;
  readonly rows = 24;
  readonly writes: string[] = [];
  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString());
    done();
  }
  get text(): string {
    return this.writes.join('');
  }
}

function open(mode: DisplayMode): { clock: ManualClock; terminal: Terminal; display: ProgressDisplay } {
  const clock = new ManualClock();
  const terminal = new Terminal(mode === 'live');
  return {
    clock,
    terminal,
    display: new ProgressDisplay(
      { mode, clock, stream: terminal, colours: false },
      mode === 'live' ? createLogUpdate : null,
    ),
  };
}

describe('displayMode', () => {
  it('follows the flags first, then the terminal', () => {
    const terminal = new Terminal(true);
    expect(displayMode({ json: true, quiet: true }, terminal)).toBe('json');
    expect(displayMode({ quiet: true }, terminal)).toBe('quiet');
    expect(displayMode({}, terminal, 'xterm')).toBe('live');
    expect(displayMode({}, terminal, 'dumb')).toBe('plain');
    expect(displayMode({}, new Terminal(false), 'xterm')).toBe('plain');
  });
});

describe('a live display', () => {
  it('draws at once, then at most ten times a second', () => {
    const { clock, terminal, display } = open('live');
    for (let step = 1; step <= 1_000; step++) {
      display.update(trainingState({ step }));
      clock.advance(1);
    }
    expect(terminal.writes).toHaveLength(10);
    expect(terminal.writes[0]).toContain(renderProgress(trainingState({ step: 1 }), 80, false));
    display.stop();
  });

  it('shows a new phase without delay', () => {
    const { terminal, display } = open('live');
    display.update(trainingState());
    display.update(trainingState({ phase: 'recovering' }));
    expect(terminal.writes).toHaveLength(2);
    expect(terminal.writes[1]).toContain('recovering');
    display.stop();
  });

  it('rewrites the lines that changed, not the block', () => {
    const { clock, terminal, display } = open('live');
    display.update(trainingState());
    clock.advance(100);
    display.update(trainingState({ elapsedMs: 63_000 }));
    expect(terminal.writes[1]).toContain('1 m 03 s');
    expect(terminal.writes[1]).not.toContain('lockstep');
    display.stop();
  });

  it('leaves a line per epoch and the lines of the log above the block', () => {
    const { terminal, display } = open('live');
    display.update(trainingState());
    display.epochCompleted(trainingState({ step: 1_410 }));
    display.logDestination?.write('worker 1 is lost\n');
    expect(terminal.text).toContain('epoch 3/5  loss 0.0812  accuracy 97.45%  dev loss 0.0923  dev accuracy 97.10%\n');
    expect(terminal.text).toContain('worker 1 is lost\n');
    expect(terminal.writes.at(-1)).toContain('lockstep  mnist');
    expect(terminal.writes.at(-1)).toContain('1,410/2,350');
    display.stop();
  });

  it('ends with the summary in place of the block', () => {
    const { terminal, display } = open('live');
    display.update(trainingState());
    display.finish(finishedRun());
    display.stop();
    expect(terminal.writes.at(-1)).toBe(`\n${renderSummary(finishedRun())}\n`);
  });
});

describe('a plain display', () => {
  it('prints one line per epoch, nothing per step, and the summary', () => {
    const { terminal, display } = open('plain');
    display.update(trainingState());
    display.epochCompleted(trainingState());
    display.epochCompleted(trainingState({ epoch: 4 }));
    display.finish(finishedRun());
    expect(terminal.writes).toHaveLength(3);
    expect(terminal.writes[0]).toMatch(/^epoch 3\/5 {2}loss 0\.0812 .* step 1,320\/2,350\n$/);
    expect(terminal.writes[2]).toBe(`\n${renderSummary(finishedRun())}\n`);
    expect(display.logDestination).toBeUndefined();
  });

  it('prints a hundred lines of thousands of epochs, the last among them', () => {
    const { terminal, display } = open('plain');
    for (let epoch = 1; epoch <= 1_999; epoch++) display.epochCompleted(trainingState({ epoch, epochs: 1_999 }));
    expect(terminal.writes).toHaveLength(100);
    expect(terminal.writes[0]).toMatch(/^epoch {4}20\/1,999 /);
    expect(terminal.writes.at(-1)).toMatch(/^epoch 1,999\/1,999 /);
  });
});

describe('other displays', () => {
  it('prints one JSON object per epoch and one at the end', () => {
    const { terminal, display } = open('json');
    display.update(trainingState());
    display.epochCompleted(trainingState());
    display.epochCompleted(trainingState({ accuracy: null, devLoss: null, devAccuracy: null }));
    display.finish(finishedRun());
    const [epoch, regression, summary] = terminal.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(epoch).toEqual({
      event: 'epoch', epoch: 3, epochs: 5, step: 1320, totalSteps: 2350, loss: 0.0812, accuracy: 0.9745, devLoss: 0.0923,
      devAccuracy: 0.971, samplesPerSecond: 12345, workers: 2, elapsedMs: 62000,
    }); // prettier-ignore
    expect(regression).not.toHaveProperty('accuracy');
    expect(regression).not.toHaveProperty('devLoss');
    const { next: _next, diagnosis: _diagnosis, ...record } = finishedRun();
    expect(summary).toEqual({ event: 'summary', ...record });
  });

  it('prints nothing when it is to be quiet', () => {
    const { terminal, display } = open('quiet');
    display.update(trainingState());
    display.epochCompleted(trainingState());
    display.finish(finishedRun());
    expect(terminal.writes).toEqual([]);
  });
});
