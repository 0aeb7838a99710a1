/** `lockstep doctor`: what this machine can do, and how to make it do more. */
import { cpus, freemem, totalmem } from 'node:os';
import { packageVersion } from '../common/package.js';
import { measureBackends } from '../kernels/measure.js';
import { selectBackend } from '../kernels/select.js';
import { renderTable } from '../observe/table.js';

export function examine(flags: { readonly json?: boolean }): void {
  const processors = cpus();
  const machine = {
    lockstep: packageVersion(),
    node: process.version,
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
  };
  const backends = measureBackends();
  const { backend } = selectBackend('auto');
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ ...machine, backends, auto: backend })}\n`);
    return;
  }
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const table = renderTable(
    [{ title: 'backend' }, { title: 'GFLOP/s per core', align: 'right' }, { title: 'what it is' }],
    backends.map(({ backend: name, gflops, description, available }) => [
      name === backend ? `${name} *` : name,
      gflops === null ? '–' : gflops.toFixed(gflops < 10 ? 1 : 0),
      available ? description : `not available: ${description}`,
    ]),
  );
  const advice = backends.flatMap(({ howToGetFaster }) => howToGetFaster ?? []);
  process.stdout.write(
    [
      `Lockstep ${machine.lockstep} on Node ${machine.node}`,
      `${machine.processor}, ${machine.cores} cores, ${gib(machine.memoryBytes)} memory (${gib(machine.freeMemoryBytes)} free)`,
      '',
      table,
      '',
      `* what --backend auto takes. All workers of a run use the same backend, since each rounds in its own way.`,
      ...advice.map((text) => `To get the faster kernels: ${text}`),
      '',
    ].join('\n'),
  );
}
