/**
 * The HTTP side of a coordinator or worker: what Prometheus scrapes and what Kubernetes probes. Read only and unauthenticated,
 * hence nothing secret is ever in it.
 */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { LockstepError } from '../common/errors.js';
import type { Registry } from './metrics.js';

export interface Health {
  /** Whether the process works at all; a supervisor restarts one that does not. */
  readonly live: boolean;
  /** Whether the process does its part now; traffic is kept away from one that does not. */
  readonly ready: boolean;
  /** What a human wants to know when one of the two is false: phase, workers, last error. Must be JSON. */
  readonly detail: unknown;
}

export interface HttpOptions {
  /** `HOST:PORT`, IPv6 addresses in brackets; port 0 takes a free one. */
  readonly listen: string;
  readonly registry: Registry;
  readonly health: () => Health;
}

export interface HttpEndpoint {
  /** The port that is listened on, also when 0 was asked for. */
  readonly port: number;
  /** Stops listening and ends open connections. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics`, `/healthz` (200 while live, else 503) and `/readyz` (200 while ready, else 503).
 *
 * @throws LockstepError `unavailable` for a port in use; `usage` for an address that cannot be listened on.
 */
export async function startHttp(options: HttpOptions): Promise<HttpEndpoint> {
  const { host, port } = parseListenAddress(options.listen);
  const application = createApplication(options.registry, options.health);
  const respond = getRequestListener(application.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void respond(request, response));
  await listen(server, host, port, options.listen);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => closeServer(server),
  };
}

function createApplication(registry: Registry, health: () => Health): Hono {
  const application = new Hono();
  application.get('/metrics', async (context) => {
    return context.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
  application.get('/healthz', (context) => {
    const { live, detail } = health();
    return context.json({ live, detail }, live ? 200 : 503);
  });
  application.get('/readyz', (context) => {
    const { live, ready, detail } = health();
    return context.json({ ready: live && ready, detail }, live && ready ? 200 : 503);
  });
  application.notFound((context) => context.json({ error: 'Served here: /metrics, /healthz, /readyz' }, 404));
  application.onError((error, context) => context.json({ error: error.message }, 500));
  return application;
}

function parseListenAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new LockstepError('usage', `"${address}" is not an address to listen on`, {
      hint: 'Write HOST:PORT, for example 127.0.0.1:7780 or [::1]:7780; port 0 takes a free one.',
    });
  }
  return { host, port };
}

async function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, address));
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, address: string): LockstepError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new LockstepError('unavailable', `Metrics and probes: ${address} is already in use`, {
        hint: 'Stop the process that listens there, or choose another port with --http HOST:PORT.',
        cause: error,
      });
    case 'EACCES':
      return new LockstepError('usage', `Metrics and probes: no permission to listen on ${address}`, {
        hint: 'Choose a port from 1024 up with --http HOST:PORT.',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new LockstepError('usage', `Metrics and probes: this machine has no address for ${address}`, {
        hint: 'Choose an address of this machine with --http HOST:PORT, for example 127.0.0.1:7780.',
        cause: error,
      });
    default:
      return new LockstepError('unavailable', `Metrics and probes: cannot listen on ${address}: ${error.message}`, {
        cause: error,
      });
  }
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
