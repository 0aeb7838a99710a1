/** Time that a virtual machine wanted to run and its host ran something else: what makes figures there doubtful. Linux only. */
import { readFileSync } from 'node:fs';

/** Of a line of /proc/stat, in ticks: user, nice, system, idle, iowait, irq, softirq, steal. */
const STEAL = 7;
/** Ticks of /proc/stat per second, the same on every Linux that Node runs on. */
const TICKS = 100;

/** Processor seconds stolen since the machine was started; null where the system does not say. */
export function stolenSeconds(read = (): string => readFileSync('/proc/stat', 'utf8')): number | null {
  try {
    const [line = ''] = read().split('\n');
    const ticks = Number(line.trim().split(/\s+/).slice(1)[STEAL]);
    return line.startsWith('cpu ') && Number.isFinite(ticks) ? ticks / TICKS : null;
  } catch {
    return null;
  }
}
