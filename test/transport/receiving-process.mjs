/**
 * A process that takes buffers as Node's HTTP/2 does, on the build: 1 GiB in buffers of 64 KiB, three times as it was started, then three
 * times after it has counted what it received. Says over IPC how many page faults each time cost.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { countReceived } from '../../dist/src/transport/receive-memory.js';

const BUFFER_BYTES = 65_536;
const BUFFERS = 16_384;

async function pageFaults() {
  const before = process.resourceUsage().minorPageFault;
  for (let taken = 0; taken < BUFFERS; taken += 1) {
    Buffer.allocUnsafeSlow(BUFFER_BYTES).fill(1);
    if (taken % 8 === 0) await setImmediate();
  }
  return process.resourceUsage().minorPageFault - before;
}

const threeTimes = async () => [await pageFaults(), await pageFaults(), await pageFaults()];

const before = await threeTimes();
for (let received = 0; received < 32; received += 1) countReceived(2 ** 20);
process.send({ before, after: await threeTimes() });
process.disconnect();
