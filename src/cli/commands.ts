/**
 * The commands with their arguments, options and help. What a command does, and all that it needs for that, is loaded when it
 * runs: reading the command line must not wait for the code of the others.
 */
import { Command, Option } from 'commander';
import type { CheckFlags } from './check.js';
import type { CoordinatorFlags } from './coordinator.js';
import type { RunFlags } from './open-run.js';
import { options, wholeNumber } from './options.js';
import type { WorkerFlags } from './worker.js';

function withOptions(command: Command, ...wanted: readonly (keyof typeof options)[]): Command {
  for (const name of wanted) command.addOption(options[name]());
  return command;
}

function trainCommand(): Command {
  const command = new Command('train')
    .description('train a job on this host: a coordinator and as many worker processes as asked for')
    .argument('<job.yaml>', 'the job file')
    .action(async (path: string, flags: RunFlags) => {
      const { train } = await import('./train.js');
      await train(path, flags);
    });
  return withOptions(
    command,
    'workers',
    'threads',
    'out',
    'set',
    'maxSteps',
    'resume',
    'backend',
    'json',
    'quiet',
    'logLevel',
    'http',
    'trace',
    'traceSteps',
  );
}

function coordinatorCommand(): Command {
  const command = new Command('coordinator')
    .description('coordinate a job whose workers are started by hand, on this host or others')
    .argument('<job.yaml>', 'the job file')
    .addOption(new Option('--listen <host:port>', 'where workers dial').default('127.0.0.1:7700'))
    .action(async (path: string, flags: CoordinatorFlags) => {
      const { coordinate } = await import('./coordinator.js');
      await coordinate(path, flags);
    });
  return withOptions(
    command,
    'http',
    'insecure',
    'workers',
    'threads',
    'out',
    'resume',
    'maxSteps',
    'set',
    'backend',
    'json',
    'quiet',
    'logLevel',
    'trace',
    'traceSteps',
  );
}

function workerCommand(): Command {
  const command = new Command('worker')
    .description('compute for a coordinator')
    .requiredOption('--coordinator <host:port>', 'the coordinator to join')
    .addOption(
      new Option('--listen <host:port>', 'where the coordinator pulls gradients (default: a free port of 127.0.0.1)'),
    )
    .addOption(
      new Option('--data <dir>', 'folder that relative data paths start from here (default: as on the coordinator)'),
    )
    .addOption(
      new Option('--reconnect-timeout <s>', 'how long to wait for a coordinator that does not answer')
        .argParser(wholeNumber(0))
        .default(120),
    )
    .action(async (flags: WorkerFlags) => {
      const { work } = await import('./worker.js');
      await work(flags);
    });
  return withOptions(command, 'threads', 'backend', 'http', 'insecure', 'json', 'logLevel');
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('show what a job would do: layers, memory, steps, traffic, defaults; trains nothing')
    .argument('<job.yaml>', 'the job file')
    .action(async (path: string, flags: CheckFlags) => {
      const { check } = await import('./check.js');
      await check(path, flags);
    });
  return withOptions(command, 'set', 'workers', 'threads', 'json');
}

function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('say which kernel backends work here, how fast they are, and how to get the faster one')
    .action(async (flags: { readonly json?: boolean }) => {
      const { examine } = await import('./doctor.js');
      examine(flags);
    });
  return withOptions(command, 'json');
}

/** In the order of the help. */
export function commands(): readonly Command[] {
  return [trainCommand(), coordinatorCommand(), workerCommand(), checkCommand(), doctorCommand()];
}
