/**
 * Two network namespaces joined by a link of known speed, as two hosts with a network between them would be. Linux only, and only
 * where this process may create them; `tc` limits the rate with tbf(8) and adds delay with netem(8).
 */
import { execFileSync } from 'node:child_process';
import { undoAtExit } from '../leftovers.js';
import type { Site } from './cluster.js';

export interface ShapedLink {
  readonly bitsPerSecond: number;
  /** Of each direction; 0 where the system cannot delay packets. */
  readonly delayMs: number;
  readonly sites: readonly [Site, Site];
  remove(): void;
}

const GIGABIT = 1e9;
const DELAY_MS = 0.5;
const DEVICE = 'bench0';
const ADDRESSES = ['10.0.0.1', '10.0.0.2'] as const;
/** Bucket of the rate limit: what a packet burst may take at once; and the queue behind it. */
const BURST = '128kb';
const QUEUE_MS = 100;

/** Makes the link, or says why there can be none. */
export function makeShapedLink(): ShapedLink | { readonly missing: string } {
  const names = [0, 1].map((end) => `lockstep-bench-${process.pid}-${end}`);
  const [first = '', second = ''] = names;
  const made: string[] = [];
  const remove = undoAtExit(() => {
    for (const name of made) run('ip', 'netns', 'del', name);
  });
  try {
    for (const name of names) {
      run('ip', 'netns', 'add', name);
      made.push(name);
      run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    }
    run('ip', '-n', first, 'link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', second);
    let delayMs = DELAY_MS;
    names.forEach((name, end) => {
      run('ip', '-n', name, 'address', 'add', `${ADDRESSES[end]}/30`, 'dev', DEVICE);
      run('ip', '-n', name, 'link', 'set', DEVICE, 'up');
      const add = ['-n', name, 'qdisc', 'add', 'dev', DEVICE];
      const limit = ['rate', '1gbit', 'burst', BURST, 'latency', `${QUEUE_MS}ms`];
      run('tc', ...add, 'root', 'handle', '1:', 'tbf', ...limit);
      if (delayMs > 0 && !delays([...add, 'parent', '1:1', 'handle', '2:', 'netem'])) delayMs = 0;
    });
    const site = (end: 0 | 1): Site => ({
      host: ADDRESSES[end],
      through: ['ip', 'netns', 'exec', names[end] ?? ''],
      device: DEVICE,
    });
    return { bitsPerSecond: GIGABIT, delayMs, sites: [site(0), site(1)], remove };
  } catch (error) {
    remove();
    return { missing: `a shaped link between two network namespaces: ${reasonOf(error)}` };
  }
}

/** Not every kernel has netem. */
function delays(add: readonly string[]): boolean {
  try {
    run('tc', ...add, 'delay', `${DELAY_MS}ms`, 'limit', '100000');
    return true;
  } catch {
    return false;
  }
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const said = 'stderr' in error ? String(error.stderr).trim() : '';
  return said === '' ? error.message : said;
}
