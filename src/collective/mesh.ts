import { COORDINATOR } from '../protocol/link.js';
import type { Collective } from './collective.js';

/**
 * Buckets are dealt to the workers, which reduce-scatter among themselves: each sends its partial sums of a bucket to the one
 * that owns it. The coordinator's traffic is one gradient in and one model out, whatever the number of workers.
 */
export const mesh: Collective = {
  name: 'mesh',
  owner: (bucket, members) => members[bucket % members.length] ?? COORDINATOR,
};
