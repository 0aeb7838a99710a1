/**
 * Messages that take a short cut: between processes that share memory, the messages that a step waits for travel there, which costs a
 * fraction of a gRPC stream. Their order among other messages does not matter: their fence says what they belong to, and the
 * receiver counts what it needs. A plan also says what has to be heard before it.
 */
import type { CoordinatorMessage, WorkerMessage } from '../protocol/messages.js';
import {
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  encodeCoordinatorMessage,
  encodeWorkerMessage,
} from '../rpc/codec.js';
import { protocol } from '../rpc/proto.js';

/**
 * The message as a note; null for one that has to keep its place in the control stream.
 *
 * @param sent messages that the control stream has taken so far.
 */
export function noteToWorker(message: CoordinatorMessage, sent: number): Uint8Array | null {
  if (message.type !== 'exchangeResult' && message.type !== 'plan') return null;
  const after = message.type === 'plan' ? sent : 0;
  return protocol().Coordinator.service.Session.responseSerialize({ ...encodeCoordinatorMessage(message), after });
}

/** A message, and how many of the control stream come before it. */
export interface NoteFromCoordinator {
  readonly message: CoordinatorMessage;
  readonly after: number;
}

/** null for a message that this version does not know. */
export function noteFromCoordinator(bytes: Uint8Array): NoteFromCoordinator | null {
  const wire = protocol().Coordinator.service.Session.responseDeserialize(Buffer.from(bytes));
  const message = decodeCoordinatorMessage(wire);
  return message === null ? null : { message, after: wire.after };
}

/** The message as a note; null for one that has to keep its place in the control stream. */
export function noteToCoordinator(message: WorkerMessage): Uint8Array | null {
  if (message.type !== 'exchangeNodes' && message.type !== 'stepReport') return null;
  return protocol().Coordinator.service.Session.requestSerialize(encodeWorkerMessage(message));
}

/** null for a message that this version does not know. */
export function noteFromWorker(bytes: Uint8Array): WorkerMessage | null {
  return decodeWorkerMessage(protocol().Coordinator.service.Session.requestDeserialize(Buffer.from(bytes)));
}
