/** Options, credentials and tokens that all servers and clients of a cluster share. */
import {
  Metadata,
  Server,
  ServerCredentials,
  credentials,
  logVerbosity,
  setLogVerbosity,
  status,
  type ChannelCredentials,
  type ChannelOptions,
  type ServerOptions,
} from '@grpc/grpc-js';
import { timingSafeEqual } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { LockstepError } from '../common/errors.js';
import { formatAddress, type Address } from './address.js';
import { HealthService } from './health.js';
import { plainReason } from './reason.js';

// Every error reaches the caller, who says it in plain words; gRPC's own lines would only stand beside them.
if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);

/** What proves that a process belongs to the cluster. Certificates will stand beside the token here. */
export interface Security {
  /** Join token; null accepts everyone who can reach the port. */
  readonly token: string | null;
}

/** Messages are small or cut into chunks; a large model's batch-norm exchange is the largest. */
const MAX_MESSAGE_BYTES = 64 * 2 ** 20;
/** Receive window of a client: as much as may be under way on a fast link. Servers ignore it, see the protocol's comment. */
const WINDOW_BYTES = 64 * 2 ** 20;

/** Both ends ask after half of the time that a silent peer is granted. */
function liveness(heartbeatTimeoutMs: number): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': Math.max(1_000, heartbeatTimeoutMs / 2),
    'grpc.keepalive_timeout_ms': Math.max(1_000, heartbeatTimeoutMs / 2),
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  };
}

export function clientOptions(heartbeatTimeoutMs: number): ChannelOptions {
  return {
    ...liveness(heartbeatTimeoutMs),
    'grpc.keepalive_permit_without_calls': 1,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    // A cluster's links are direct, and a proxy named in the environment is meant for other traffic.
    'grpc.enable_http_proxy': 0,
  };
}

export function clientCredentials(_security: Security): ChannelCredentials {
  return credentials.createInsecure();
}

/** The metadata that a call proves itself with. */
export function callMetadata({ token }: Security): Metadata {
  const metadata = new Metadata();
  if (token !== null) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

/** Whether a call carries the token. */
export function isAuthorized(metadata: Metadata, { token }: Security): boolean {
  if (token === null) return true;
  const given = Buffer.from(String(metadata.get('authorization')[0] ?? ''));
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export const UNAUTHENTICATED = {
  code: status.UNAUTHENTICATED,
  details:
    'the join token is missing or wrong: set LOCKSTEP_TOKEN to the same value on the coordinator and every worker',
} as const;

/** Ends a streaming call with a status. (Destroying the stream would leave the caller without any.) */
export function refuseCall(
  call: EventEmitter,
  { code, details }: { readonly code: status; readonly details: string },
): void {
  call.emit('error', Object.assign(new Error(details), { code, details }));
}

/** A gRPC server with a health service. */
export class RpcServer {
  readonly server: Server;
  readonly #health = new HealthService();
  readonly #services: readonly string[];
  #port = 0;

  constructor(services: readonly string[], heartbeatTimeoutMs: number) {
    const options: ServerOptions = liveness(heartbeatTimeoutMs);
    this.server = new Server(options);
    this.#services = ['', ...services];
    this.setServing(false);
    this.#health.addTo(this.server);
  }

  /** Starts to listen; port 0 takes a free one. @throws LockstepError `unavailable` when the address cannot be had. */
  async listen(address: Address, _security: Security): Promise<Address> {
    const { host } = address;
    this.#port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(formatAddress(address), ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else {
          reject(
            new LockstepError('unavailable', `cannot listen on ${formatAddress(address)}: ${plainReason(error)}`, {
              hint: 'Is another process using this port, or does the address belong to another host?',
              cause: error,
            }),
          );
        }
      });
    });
    return { host, port: this.#port };
  }

  /** What health checks and probes are told. */
  setServing(serving: boolean): void {
    for (const name of this.#services) this.#health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Lets calls end for a moment, then closes. */
  async close(graceMs = 1_000): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.server.forceShutdown();
        resolve();
      }, graceMs);
      this.server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
