/**
 * One of two processes that bench/transport.mjs measures. Over stdin and stdout, one JSON object per line: it says {"port"}, is told
 * {"port"} of the other, says {"ready", "carrier"}; asked {"op", "bytes", "times"} it does that so often, together with the other,
 * and answers {"ms": [...], "cpuMs"}: wall times, and the CPU time of this process for one, all its threads together. End of input ends it.
 *
 *   node bench/transport-peer.mjs RANK CARRIER LANES
 */
import process from 'node:process';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { Arena } from '../dist/src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../dist/src/kernels/kernels.js';
import { createWasmKernels } from '../dist/src/kernels/wasm/wasm-kernels.js';
import { RpcServer } from '../dist/src/rpc/channel.js';
import { BulkReader } from '../dist/src/transport/bulk-reader.js';
import { BulkServer } from '../dist/src/transport/bulk-server.js';
import { ROOT } from '../dist/src/protocol/piece.js';

const [rank, carrier, lanes] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const MOST_BYTES = 2 ** 26;
const HEARTBEAT_MS = 60_000;
const [self, other] = rank === 0 ? ['a', 'b'] : ['b', 'a'];
const security = { token: null };
const counters = { sent() {}, received() {} };

const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + MOST_BYTES / 2 + 64);
const kernels = createWasmKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
const mine = arena.allocate(MOST_BYTES / 4);
const theirs = arena.allocate(MOST_BYTES / 4);
arena.view(mine, MOST_BYTES / 4).fill(1);
arena.view(theirs, MOST_BYTES / 4).fill(1);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const hear = async () => {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
};

const rpc = new RpcServer(['lockstep.v1.Bulk'], HEARTBEAT_MS);
const server = new BulkServer(rpc, security, counters);
const address = await rpc.listen({ host: '127.0.0.1', port: 0 }, security);
server.serveAs({ id: self, runId: 'bench' });
say({ port: address.port });

/** Counts rounds; the other process may be one ahead. */
let step = 0;
/** What the round under way does with a piece; null between rounds. */
let take = null;
const early = [];
const receive = (piece) => {
  if (take !== null && piece.fence.step === step) take(piece);
  else early.push({ ...piece, bytes: Uint8Array.from(piece.bytes) });
};
const send = (kind, from, start, count) => {
  const bytes = arena.bytes.subarray((from + start) * 4, (from + start + count) * 4);
  server.send(other, {
    kind,
    fence: { epoch: 0, step, attempt: 1 },
    node: ROOT,
    start,
    count,
    format: 'float32',
    bytes,
  });
};

/** Each begins one round of an operation; `over` is called when it ends here. */
const operations = {
  /** There and back. */
  pingPong(count, over) {
    let left = count;
    take = (piece) => {
      arena.bytes.set(piece.bytes, (theirs + piece.start) * 4);
      left -= piece.count;
      if (left > 0) return;
      if (rank === 1) send('sum', theirs, 0, count);
      over();
    };
    if (rank === 0) send('gradient', mine, 0, count);
  },
  /** There, and word that it has arrived. */
  oneWay(count, over) {
    let left = rank === 0 ? 1 : count;
    take = (piece) => {
      arena.bytes.set(piece.bytes, (theirs + piece.start) * 4);
      left -= piece.count;
      if (left > 0) return;
      if (rank === 1) send('sum', theirs, 0, 1);
      over();
    };
    if (rank === 0) send('gradient', mine, 0, count);
  },
  /** Each adds up one half and gives it to the other. */
  allReduce(count, over) {
    const half = count >> 1;
    let left = count;
    take = ({ kind, start, count: arrived, bytes }) => {
      if (kind === 'gradient') {
        // Always to the same place, which stays in the cache.
        arena.bytes.set(bytes, theirs * 4);
        kernels.add(arrived, theirs, mine + start);
        send('sum', mine, start, arrived);
      } else {
        arena.bytes.set(bytes, (mine + start) * 4);
      }
      left -= arrived;
      if (left === 0) over();
    };
    if (rank === 0) send('gradient', mine, half, count - half);
    else if (half > 0) send('gradient', mine, 0, half);
  },
};

function run({ op, bytes, times }) {
  return new Promise((resolve) => {
    const ms = [];
    const cpu = process.cpuUsage();
    const round = () => {
      const begun = performance.now();
      operations[op](bytes / 4, () => {
        ms.push(performance.now() - begun);
        take = null;
        step += 1;
        if (ms.length < times) {
          round();
        } else {
          const { user, system } = process.cpuUsage(cpu);
          resolve({ ms, cpuMs: (user + system) / 1e3 / times });
        }
      });
      for (const piece of early.splice(0)) receive(piece);
    };
    round();
  });
}

const { port } = await hear();
const reader = await new Promise((resolve, reject) => {
  const found = new BulkReader(
    {
      address: { host: '127.0.0.1', port },
      self,
      source: other,
      runId: 'bench',
      security,
      heartbeatTimeoutMs: HEARTBEAT_MS,
      lanes,
      carrier,
      counters,
    },
    {
      opened: () => resolve(found),
      piece: receive,
      lost: (reason) => reject(new Error(reason)),
    },
  );
});
say({ ready: true, carrier: reader.carrier });
for (let request = await hear(); request !== null; request = await hear()) say(await run(request));
process.exit();
