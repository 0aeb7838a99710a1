/** gRPC's health service, see proto/grpc/health/v1/health.proto. */
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { serviceDefinitions } from './definitions.js';

export type ServingStatus = 'SERVING' | 'NOT_SERVING';

interface Request {
  readonly service: string;
}

interface Response {
  readonly status: ServingStatus | 'SERVICE_UNKNOWN';
}

export class HealthService {
  readonly #statuses = new Map<string, ServingStatus>();
  readonly #watchers = new Set<ServerWritableStream<Request, Response>>();

  /** Sets what is told of a service; '' stands for the whole server. */
  setStatus(service: string, serving: ServingStatus): void {
    if (this.#statuses.get(service) === serving) return;
    this.#statuses.set(service, serving);
    for (const call of this.#watchers) if (call.request.service === service) call.write({ status: serving });
  }

  addTo(server: Server): void {
    const definition = serviceDefinitions('grpc/health/v1/health.proto').get('grpc.health.v1.Health');
    if (definition === undefined) throw new TypeError('health.proto has no service Health');
    server.addService(definition, {
      check: ({ request }: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => {
        const known = this.#statuses.get(request.service);
        if (known !== undefined) answer(null, { status: known });
        else answer({ code: status.NOT_FOUND, details: `this server has no service ${request.service}` });
      },
      watch: (call: ServerWritableStream<Request, Response>) => {
        this.#watchers.add(call);
        call.on('cancelled', () => this.#watchers.delete(call));
        call.write({ status: this.#statuses.get(call.request.service) ?? 'SERVICE_UNKNOWN' });
      },
    });
  }
}
