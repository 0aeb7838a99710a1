import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createWorkerMetrics } from '../../src/observe/worker-metrics.js';
import { startHttp } from '../../src/observe/http.js';
import type { Health, HttpEndpoint } from '../../src/observe/http.js';

const { registry } = createWorkerMetrics({ build: { version: '0.1.0', backend: 'wasm' }, processMetrics: false });
const open: HttpEndpoint[] = [];

async function start(health: () => Health, listen = '127.0.0.1:0'): Promise<HttpEndpoint> {
  const endpoint = await startHttp({ listen, registry, health });
  open.push(endpoint);
  return endpoint;
}

const healthy: Health = { live: true, ready: true, detail: { phase: 'training' } };

afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()));
});

describe('startHttp', () => {
  it('serves the registry in the text format of Prometheus', async () => {
    const { port } = await start(() => healthy);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('lockstep_build_info{role="worker"');
  });

  it.each([
    { live: true, ready: true, healthz: 200, readyz: 200 },
    { live: true, ready: false, healthz: 200, readyz: 503 },
    { live: false, ready: false, healthz: 503, readyz: 503 },
    { live: false, ready: true, healthz: 503, readyz: 503 },
  ])('answers probes: live $live, ready $ready', async ({ live, ready, healthz, readyz }) => {
    const { port } = await start(() => ({ live, ready, detail: { phase: 'waiting' } }));
    const alive = await fetch(`http://127.0.0.1:${port}/healthz`);
    const usable = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([alive.status, usable.status]).toEqual([healthz, readyz]);
    expect(await alive.json()).toEqual({ live, detail: { phase: 'waiting' } });
    expect(await usable.json()).toEqual({ ready: live && ready, detail: { phase: 'waiting' } });
  });

  it('asks for the health at each probe', async () => {
    let ready = false;
    const { port } = await start(() => ({ ...healthy, ready }));
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    ready = true;
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });

  it('says what is served for any other path', async () => {
    const { port } = await start(() => healthy);
    const response = await fetch(`http://127.0.0.1:${port}/debug`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('/metrics, /healthz, /readyz');
  });

  it('refuses a port in use with a way out', async () => {
    const { port } = await start(() => healthy);
    await expect(start(() => healthy, `127.0.0.1:${port}`)).rejects.toMatchObject({
      name: 'LockstepError',
      code: 'unavailable',
      message: `Metrics and probes: 127.0.0.1:${port} is already in use`,
      hint: expect.stringContaining('--http') as unknown,
    });
  });

  it.each(['7780', 'localhost', 'localhost:', 'localhost:99999', ':7780', '::1:7780', 'http://x:1'])(
    'refuses %s as an address',
    async (address) => {
      await expect(start(() => healthy, address)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it('is gone once closed, also with a connection kept alive, and closes twice', async () => {
    const endpoint = await start(() => healthy);
    await (await fetch(`http://127.0.0.1:${endpoint.port}/healthz`)).text();
    await endpoint.close();
    await endpoint.close();
    await expect(fetch(`http://127.0.0.1:${endpoint.port}/healthz`)).rejects.toThrow();
  });

  it('does not wait for a client that never finishes its request', async () => {
    const endpoint = await start(() => healthy);
    const client = connect(endpoint.port, '127.0.0.1');
    await once(client, 'connect');
    client.on('error', () => undefined);
    client.write('GET /healthz HTTP/1.1\r\n');
    // The answer to a second client shows that the server has seen the first.
    await (await fetch(`http://127.0.0.1:${endpoint.port}/healthz`)).text();
    const gone = once(client, 'close');
    await endpoint.close();
    await gone;
  });
});
