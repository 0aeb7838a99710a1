/** `lockstep`: reads the command line, runs one command, turns what went wrong into a message and an exit code. */
import { Command, CommanderError } from 'commander';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { packageVersion } from '../common/package.js';
import { commands } from './commands.js';

function build(): Command {
  const program = new Command('lockstep')
    .description('Synchronous data-parallel training: the same weights, bit for bit, on any number of workers.')
    .version(packageVersion())
    .option('--stack', 'print the stack trace of an error')
    .showHelpAfterError('(lockstep --help lists the commands, lockstep COMMAND --help their options)')
    .exitOverride();
  for (const command of commands()) program.addCommand(command.copyInheritedSettings(program));
  return program;
}

/** Prints an error the way a person wants to read it. */
function report(thrown: unknown, withStack: boolean): void {
  const error = LockstepError.from(thrown);
  const defect = error.code === 'internal';
  process.stderr.write(`${defect ? 'lockstep: internal error: ' : 'lockstep: '}${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  const source = error.cause instanceof Error ? error.cause : error;
  if (withStack) process.stderr.write(`${source.stack ?? ''}\n`);
  else if (defect)
    process.stderr.write('  This is a defect of Lockstep; run again with --stack and report what it prints.\n');
}

async function main(): Promise<void> {
  const program = build();
  try {
    await program.parseAsync();
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : EXIT_CODES.usage;
      return;
    }
    report(thrown, program.opts<{ stack?: boolean }>().stack === true);
    process.exitCode = LockstepError.from(thrown).exitCode;
  }
}

// Sockets that a peer keeps open must not keep a finished command alive.
void main().then(() => process.exit());
