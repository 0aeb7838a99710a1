import { createHash } from 'node:crypto';
import { isMapping } from './path.js';
import type { Job } from './job.js';

/**
 * SHA-256, in hexadecimal, of everything in a job that the weights may depend on: all but its name, its baseline and its
 * cluster. Two runs
 * with the same hash, data, version and backend give the same weights, so a checkpoint of one continues the other.
 */
export function jobHash({ name: _name, baselineError: _baselineError, cluster: _cluster, ...rest }: Job): string {
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

/** JSON without white space, keys in the order of their UTF-16 code units (as in RFC 8785). */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isMapping(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}
