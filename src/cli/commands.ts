/**
 * The commands with their arguments, options and help. What a command does, and all that it needs for that, is loaded when it
 * runs: reading the command line must not wait for the code of the others.
 */
import { Command, Option } from 'commander';
import type { AllReduceFlags } from '../bench/allreduce.js';
import type { BenchFlags } from '../bench/report.js';
import type { CheckFlags } from './check.js';
import type { ScaleFlags } from '../bench/scale.js';
import type { TrainFlags } from '../bench/train.js';
import type { CoordinatorFlags } from './coordinator.js';
import { options, share, wholeNumber } from './options.js';
import type { ReportFlags } from './report.js';
import type { SearchFlags } from './search.js';
import type { TrainCommandFlags } from './train.js';
import type { WorkerFlags } from './worker.js';

function withOptions(command: Command, ...wanted: readonly (keyof typeof options)[]): Command {
  for (const name of wanted) command.addOption(options[name]());
  return command;
}

const endWithParent = (): Option =>
  new Option('--end-with-parent', 'end when the process that has started this one does').hideHelp();

function trainCommand(): Command {
  const command = new Command('train')
    .description('train a job on this host: a coordinator and as many worker processes as asked for')
    .argument('<job.yaml>', 'the job file')
    .addOption(endWithParent())
    .action(async (path: string, flags: TrainCommandFlags) => {
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
    .addOption(endWithParent())
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
    .option('--stay', 'wait for the next run when one is over: for searches, and jobs one after another')
    .action(async (flags: WorkerFlags) => {
      const { work } = await import('./worker.js');
      await work(flags);
    });
  return withOptions(command, 'threads', 'backend', 'http', 'insecure', 'json', 'logLevel');
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('show what a job would do: layers, memory, steps, traffic, splits, defaults; trains nothing')
    .argument('<job.yaml>', 'the job file')
    .option(
      '--augmentation <file.png>',
      'draw samples as training will see them, with data.augmentation, in epochs 1, 2 …',
    )
    .option('--gradients', 'compare the gradient of the cost with finite differences, tensor by tensor')
    .addOption(new Option('--samples <n>', 'samples of the gradient check (default: 16)').argParser(wholeNumber(1)))
    .action(async (path: string, flags: CheckFlags) => {
      const { check } = await import('./check.js');
      await check(path, flags);
    });
  return withOptions(command, 'set', 'workers', 'threads', 'backend', 'json');
}

function searchCommand(): Command {
  const command = new Command('search')
    .description('find good values for keys of a job: trains it many times and compares the results')
    .argument('<search.yaml>', 'the search file')
    .addOption(new Option('--out <dir>', 'folder of the search (default: the next free searches/NAME-N)'))
    .addOption(
      new Option('--resume [what]', 'auto: go on with the search in --out, or with the last one of this name; never')
        .choices(['auto', 'never'])
        .preset('auto')
        .default('never'),
    )
    .addOption(
      new Option('--workers <n>', 'worker processes of all trials together (default: cluster.workers)').argParser(
        wholeNumber(1),
      ),
    )
    .action(async (path: string, flags: SearchFlags) => {
      const { search } = await import('./search.js');
      await search(path, flags);
    })
    .addOption(
      new Option(
        '--listen <host:port>',
        'take workers from other hosts: trials that run at once listen on this port and the next ones',
      ),
    );
  return withOptions(command, 'insecure', 'backend', 'json', 'quiet');
}

function reportCommand(): Command {
  const command = new Command('report')
    .description('say what a run came to, tell bias from variance, and what to try next; write it all as a page')
    .argument('<run>', 'the run directory, such as runs/mnist-1')
    .addOption(new Option('-o, --output <file>', 'where the page goes (default: report.html in the run directory)'))
    .addOption(
      new Option(
        '--baseline-error <share>',
        'what the training error is compared with (default: baselineError of the job)',
      ).argParser(share),
    )
    .action(async (path: string, flags: ReportFlags) => {
      const { report } = await import('./report.js');
      await report(path, flags);
    });
  return withOptions(command, 'json');
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

/** `2,4,8` */
function wholeNumbers(least: number): (text: string) => readonly number[] {
  return (text) => text.split(',').map(wholeNumber(least));
}

const names = (text: string): readonly string[] => text.split(',');

/** One of the benchmarks; `load` brings its code. */
function benchmark<Flags>(
  name: string,
  description: string,
  load: () => Promise<(flags: Flags) => Promise<void>>,
): Command {
  return new Command(name)
    .description(description)
    .option('--json <file>', 'write the results to a file, too')
    .option('--quick', 'fewer and smaller measurements: to see that it works, not to quote it')
    .action(async (flags: Flags) => {
      const [{ bench }, run] = await Promise.all([import('./bench.js'), load()]);
      await bench(() => run(flags));
    });
}

function benchCommand(): Command {
  const command = new Command('bench').description(
    'measure Lockstep on this machine, next to its limits and its peers',
  );
  command.addCommand(
    benchmark<BenchFlags>(
      'kernels',
      'every kernel against its limit: products, and the bandwidth of memory',
      async () => {
        const { benchKernels } = await import('../bench/kernels.js');
        return benchKernels;
      },
    ),
  );
  command.addCommand(
    benchmark<AllReduceFlags>(
      'allreduce',
      'time and bandwidth of an all-reduce between processes, next to Gloo',
      async () => {
        const { benchAllReduce } = await import('../bench/allreduce.js');
        return benchAllReduce;
      },
    )
      .addOption(
        new Option('--processes <n,n…>', 'how many processes').argParser(wholeNumbers(2)).default([2, 4, 8], '2,4,8'),
      )
      .addOption(
        new Option('--max-bytes <n>', 'the largest vector').argParser(wholeNumber(4)).default(2 ** 26, '64 MiB'),
      )
      .addOption(
        new Option('--formats <name,name…>', 'wire formats: float32, bfloat16, float16')
          .argParser(names)
          .default(['float32', 'bfloat16'], 'float32,bfloat16'),
      )
      .option('--no-peers', 'Lockstep alone'),
  );
  command.addCommand(
    benchmark<TrainFlags>(
      'train',
      'a training step of three jobs, and where its time goes, next to the peers',
      async () => {
        const { benchTrain } = await import('../bench/train.js');
        return benchTrain;
      },
    )
      .addOption(
        new Option('--jobs <name,name…>', 'reference, large, small')
          .argParser(names)
          .default(['reference', 'large', 'small'], 'all'),
      )
      .addOption(options.backend())
      .option('--no-peers', 'Lockstep alone'),
  );
  command.addCommand(
    benchmark<ScaleFlags>(
      'scale',
      'what the cluster itself costs, with workers that wait instead of computing',
      async () => {
        const { benchScale } = await import('../bench/scale.js');
        return benchScale;
      },
    )
      .addOption(
        new Option('--workers <n,n…>', 'how many workers')
          .argParser(wholeNumbers(1))
          .default([1, 2, 4, 8, 16, 32, 64], '1,2,4,8,16,32,64'),
      )
      .addOption(
        new Option('--max-mesh <n>', 'most workers of a mesh, which has a connection for each pair')
          .argParser(wholeNumber(0))
          .default(32),
      )
      .addOption(
        new Option(
          '--transport <kind>',
          'what carries tensors between the workers of this host; grpc: as between hosts',
        )
          .choices(['auto', 'grpc', 'shm'])
          .default('auto'),
      )
      .option('--no-link', 'without the shaped link between network namespaces'),
  );
  return command;
}

/** In the order of the help. */
export function commands(): readonly Command[] {
  return [
    trainCommand(),
    coordinatorCommand(),
    workerCommand(),
    checkCommand(),
    searchCommand(),
    reportCommand(),
    doctorCommand(),
    benchCommand(),
  ];
}
