/**
 * The contract of a collective: who sums a bucket. The owner receives the partial sums of all workers and adds them in tree
 * order, so that the choice changes where bytes travel and never what they are. New weights take the same way back: from the
 * coordinator, which applies the sum, to the owner, and from there to everybody else.
 */
import { COORDINATOR } from '../protocol/link.js';
import type { CollectiveName } from '../protocol/messages.js';
import { mesh } from './mesh.js';
import { star } from './star.js';

export interface Collective {
  readonly name: CollectiveName;
  /** The owner of a bucket: {@link COORDINATOR}, or one of the members. */
  owner(bucket: number, members: readonly string[]): string;
}

export const collectives: Readonly<Record<CollectiveName, Collective>> = { star, mesh };

/** Those whom the owner of a bucket, once it has new weights from the coordinator, passes them on to. */
export function passedOnTo(owner: string, members: readonly string[], isSharing: IsSharing): readonly string[] {
  return members.filter((member) => member !== owner && !isSharing(member));
}

/** Those to whom the coordinator itself sends the new weights of a bucket, or says that they are there. */
export function sentTo(owner: string, members: readonly string[], isSharing: IsSharing): readonly string[] {
  return owner === COORDINATOR ? members : members.filter((member) => member === owner || isSharing(member));
}

/** Whether a member has the coordinator's model vectors in its own memory: nothing needs to travel to it. */
type IsSharing = (member: string) => boolean;
