/** A trial under way: `lockstep train`, or a coordinator for workers elsewhere, in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../common/package.js';

export interface TrialProgress {
  readonly epoch: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number | null;
}

export interface TrialEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What the process said last, in the words of its error message; empty where it said nothing. */
  readonly lastWords: string;
}

export interface TrialProcess {
  readonly ended: Promise<TrialEnd>;
  /** Asks it to save its state and end. */
  stop(): void;
}

/** @param args the command and its arguments */
export function startTrial(args: readonly string[], progress: (state: TrialProgress) => void): TrialProcess {
  const child = spawn(
    process.execPath,
    [join(packageRoot(), 'bin', 'lockstep.js'), ...args, '--json', '--log-level', 'silent', '--end-with-parent'],
    // A group of its own: a Ctrl-C in the terminal reaches the search alone, which then stops its trials. The channel tells the trial
    // when the search has gone without a word.
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  );
  const said: string[] = [];
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const state = progressOf(line);
      if (state !== null) progress(state);
    });
  }
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('lockstep: ')) said.splice(0, said.length, line.slice('lockstep: '.length));
      else if (said.length > 0 || !line.startsWith('{')) said.push(line.trim());
    });
  }
  const ended = new Promise<TrialEnd>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: null, signal: null, lastWords: error.message }));
    // 'close' and not 'exit': then all has been read.
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, lastWords: said.join(' · ') }));
  });
  return {
    ended,
    stop: () => {
      child.kill('SIGTERM');
    },
  };
}

function progressOf(line: string): TrialProgress | null {
  try {
    const event = JSON.parse(line) as { readonly event?: unknown } & TrialProgress;
    if (event.event !== 'epoch') return null;
    const { epoch, step, totalSteps, loss } = event;
    return { epoch, step, totalSteps, loss };
  } catch {
    return null;
  }
}
