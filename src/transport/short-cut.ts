/**
 * Messages that take a short cut: between processes that share memory, the messages that a step waits for travel there, which costs a
 * fraction of a gRPC stream. Their order among other messages does not matter: their fence says what they belong to, and the
 * receiver counts what it needs.
 */
import type { CoordinatorMessage, WorkerMessage } from '../protocol/messages.js';
import {
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  encodeCoordinatorMessage,
  encodeWorkerMessage,
} from '../rpc/codec.js';
import { protocol } from '../rpc/proto.js';

/** The message as a note; null for one that has to keep its place in the control stream. */
export function noteToWorker(message: CoordinatorMessage): Uint8Array | null {
  if (message.type !== 'exchangeResult') return null;
  return protocol().Coordinator.service.Session.responseSerialize(encodeCoordinatorMessage(message));
}

export function noteFromCoordinator(bytes: Uint8Array): CoordinatorMessage | null {
  return decodeCoordinatorMessage(protocol().Coordinator.service.Session.responseDeserialize(Buffer.from(bytes)));
}

/** The message as a note; null for one that has to keep its place in the control stream. */
export function noteToCoordinator(message: WorkerMessage): Uint8Array | null {
  if (message.type !== 'exchangeNodes' && message.type !== 'stepReport') return null;
  return protocol().Coordinator.service.Session.requestSerialize(encodeWorkerMessage(message));
}

export function noteFromWorker(bytes: Uint8Array): WorkerMessage | null {
  return decodeWorkerMessage(protocol().Coordinator.service.Session.requestDeserialize(Buffer.from(bytes)));
}
