import { COORDINATOR } from '../protocol/link.js';
import type { Collective } from './collective.js';

/**
 * The coordinator sums everything. The fewest hops; its traffic grows with the number of workers.
 */
export const star: Collective = {
  name: 'star',
  owner: () => COORDINATOR,
};
