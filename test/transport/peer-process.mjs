/**
 * A process at the other end, on the build. Told over IPC what to be:
 *   { read: address, carrier, count, dieAt } reads `count` elements, says { opened } and { digest, ordered }; kills itself in the middle
 *   of the piece with which `dieAt` elements are there.
 *   { serve: count } listens, says { port }, and has `count` elements for the reader.
 */
import { createHash } from 'node:crypto';
import process from 'node:process';
import { RpcServer } from '../../dist/src/rpc/channel.js';
import { BulkReader } from '../../dist/src/transport/bulk-reader.js';
import { BulkServer } from '../../dist/src/transport/bulk-server.js';

const security = { token: null };
const counters = { sent() {}, received() {} };
const heartbeatTimeoutMs = 20_000;

function read({ read: address, carrier, count, dieAt }) {
  const vector = new Float32Array(count);
  const bytes = new Uint8Array(vector.buffer);
  let next = 0;
  let ordered = true;
  const piece = ({ start, count: arrived, bytes: data }) => {
    if (dieAt !== undefined && next >= dieAt) process.kill(process.pid, 'SIGKILL');
    ordered &&= start === next;
    bytes.set(data, start * 4);
    next += arrived;
    if (next === count) process.send({ digest: createHash('sha256').update(bytes).digest('hex'), ordered });
  };
  const opened = (...what) => process.send({ opened: what });
  const names = { self: 'coordinator', source: 'worker-1', runId: 'run-1' };
  const options = { address, ...names, security, heartbeatTimeoutMs, lanes: 1, carrier, counters };
  return new BulkReader(options, { opened, piece, lost: (lost) => process.send({ lost }) });
}

async function serve({ serve: count }) {
  const rpc = new RpcServer(['lockstep.v1.Bulk'], heartbeatTimeoutMs);
  const server = new BulkServer(rpc, security, counters);
  const { port } = await rpc.listen({ host: '127.0.0.1', port: 0 }, security);
  server.serveAs({ id: 'worker-1', runId: 'run-1' });
  const vector = new Float32Array(count).map((_, i) => i % 8_388_593);
  server.send('coordinator', {
    kind: 'gradient',
    fence: { epoch: 1, step: 2, attempt: 3 },
    node: { level: 0, index: 0 },
    start: 0,
    count,
    format: 'float32',
    bytes: new Uint8Array(vector.buffer),
  });
  process.send({ port });
}

process.on('message', (message) => {
  if ('read' in message) read(message);
  else void serve(message);
});
process.on('disconnect', () => process.exit());
