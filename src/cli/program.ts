/** All commands of `starlings`. Each is described in a file of its own and loads its work only when it runs. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../platform/node/package-root.ts';
import { addAuditCommand } from './audit.ts';
import { addBootstrapCommand } from './bootstrap.ts';
import { addCodecBenchCommand } from './codec-bench.ts';
import { addCompareCommand } from './compare.ts';
import { addCompletionCommand } from './completion.ts';
import { addDoctorCommand } from './doctor.ts';
import { addInitCommand } from './init.ts';
import { addInspectCommand } from './inspect.ts';
import { addInviteCommand } from './invite.ts';
import { addJoinCommand } from './join.ts';
import { addLedgerCommand } from './ledger.ts';
import { addLogExportCommand } from './log-export.ts';
import { addLogVerifyCommand } from './log-verify.ts';
import { addMcpCommand } from './mcp.ts';
import { addModelEvaluateCommand } from './model-evaluate.ts';
import { addModelExportCommand } from './model-export.ts';
import { addModelGenerateCommand } from './model-generate.ts';
import { addModelPredictCommand } from './model-predict.ts';
import { addNodeCommand } from './node.ts';
import { addNodeIdCommand } from './node-id.ts';
import { addNodeNetworkKeyCommand } from './node-network-key.ts';
import { describeFailure, EXIT_INTERRUPTED, exitCodesHelp } from './parts/command/exit.ts';
import { addHelpTexts } from './parts/command/help-texts.ts';
import { printFailure } from './parts/command/output.ts';
import { outputLoss, watchOutput } from './parts/command/output-loss.ts';
import { addReportCommand } from './report.ts';
import { addRunCreateCommand } from './run-create.ts';
import { addRunInviteCommand } from './run-invite.ts';
import { addRunShowCommand } from './run-show.ts';
import { addSimCommand } from './sim.ts';
import { addStartCommand } from './start.ts';
import { addTestnetDashboardCommand } from './testnet-dashboard.ts';
import { addTestnetDownCommand } from './testnet-down.ts';
import { addTestnetStatusCommand } from './testnet-status.ts';
import { addTestnetUpCommand } from './testnet-up.ts';
import { addTrainerCheckCommand } from './trainer-check.ts';
import { addTrainerManifestCommand } from './trainer-manifest.ts';
import { addViewCommand } from './view.ts';

/** The command tree; parsing throws CommanderError instead of ending the process. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('starlings');
  program
    .description('Peer-to-peer gossip training: one model, many machines, no server.')
    .version(packageVersion())
    .option('--json', 'print one JSON object on stdout as the last line; text for people goes to stderr')
    .option('--verbose', 'show the stack of an error')
    .configureHelp({
      showGlobalOptions: true,
      // Beside long flags a terminal of 60 columns leaves fewer than the 40 under which nothing would be broken.
      minWidthToWrap: 20,
      // Commands within commands refuse those of the outer one, or list them as their own.
      visibleGlobalOptions: (command) =>
        command === program ? [] : program.options.filter(({ hidden }) => !hidden),
    })
    .showHelpAfterError('(add --help for what is possible)')
    .addHelpText('after', exitCodesHelp)
    .exitOverride();

  addStartCommand(program);
  addInitCommand(program);
  addRunCommands(program);
  const node = addNodeCommand(program);
  addNodeIdCommand(node);
  addNodeNetworkKeyCommand(node);
  // Their table is slow to load and of use to nobody else.
  if (argv.includes('node')) (await import('./node-controls.ts')).addNodeControls(node);
  addInviteCommand(program);
  addJoinCommand(program);
  addBootstrapCommand(program);
  const testnet = program.command('testnet').description('a network of real nodes on this machine');
  addTestnetUpCommand(testnet);
  addTestnetStatusCommand(testnet);
  addTestnetDashboardCommand(testnet);
  addTestnetDownCommand(testnet);
  if (argv.includes('testnet')) (await import('./testnet-controls.ts')).addTestnetControls(testnet);
  const trainer = program
    .command('trainer')
    .description('programs of yours that train in place of TensorFlow.js');
  addTrainerCheckCommand(trainer);
  addTrainerManifestCommand(trainer);
  addDoctorCommand(program);
  addInspectCommand(program);
  addReportCommand(program);
  addViewCommand(program);
  addMcpCommand(program);
  await addModelCommands(program, argv);
  await addLogCommands(program, argv);
  const privacy = program.command('privacy').description('what examples pay with, and what they have left');
  if (argv.includes('privacy')) (await import('./privacy.ts')).addPrivacyCommands(privacy);
  const arena = program.command('arena').description('compare models of several members on hidden shards');
  if (argv.includes('arena')) (await import('./arena.ts')).addArenaCommands(arena);
  const label = program.command('label').description('label records together, and train on what comes of it');
  if (argv.includes('label')) (await import('./label.ts')).addLabelCommands(label);
  const data = program.command('data').description('what is in data, and shares of it for several nodes');
  // All kinds of tasks, for what they say of their files.
  if (argv.includes('data')) (await import('./data.ts')).addDataCommands(data);
  addSimCommand(program);
  addCompareCommand(program);
  const codec = program.command('codec').description('the bytes of deltas');
  addCodecBenchCommand(codec);
  addCompletionCommand(program, () =>
    createProgram(['node', 'data', 'privacy', 'testnet', 'model', 'arena', 'label']),
  );
  addHelpTexts(program);
  return program;
}

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  watchOutput();
  try {
    await (await createProgram(argv)).parseAsync(argv);
  } catch (error) {
    const failure = describeFailure(error);
    // Set already where Ctrl-C made the command fail.
    if (process.exitCode !== EXIT_INTERRUPTED) process.exitCode = failure.exitCode;
    if (failure.exitCode !== 0 && outputLoss() === null) {
      await printFailure(failure, error, {
        json: argv.includes('--json'),
        verbose: argv.includes('--verbose'),
        shown: error instanceof CommanderError,
      });
    }
  }
  await flushed();
  const loss = outputLoss();
  if (loss !== null) {
    process.exitCode = loss.exitCode;
    if (!loss.isQuiet) process.stderr.write(`starlings: ${loss.sentence}\n`);
  }
  // Open handles of a library must not keep a finished command alive.
  process.exit();
}

/** What was written last may fail only now. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => setImmediate(resolve));
  });
}

async function addModelCommands(program: Command, argv: readonly string[]): Promise<void> {
  const model = program.command('model').description('use a trained model, and share it in a registry');
  addModelExportCommand(model);
  addModelEvaluateCommand(model);
  addModelPredictCommand(model);
  addModelGenerateCommand(model);
  const own = model.commands.map((command) => command.name());
  // What is done in a registry is of the table of commands to nodes, which is slow to load.
  if (argv.includes('model') && !argv.some((word) => own.includes(word))) {
    (await import('./model-controls.ts')).addModelControls(model);
  }
}

function addRunCommands(program: Command): void {
  const run = program.command('run').description('describe and sign a training run');
  addRunCreateCommand(run);
  addRunShowCommand(run);
  addRunInviteCommand(run);
}

/** What is read from the log of a run. */
async function addLogCommands(program: Command, argv: readonly string[]): Promise<void> {
  const log = program.command('log').description('the log of a run as a file that anyone can fold again');
  addLogExportCommand(log);
  addLogVerifyCommand(log);
  addLedgerCommand(program);
  addAuditCommand(program);
  const alliance = program
    .command('alliance')
    .description('what became of rounds and members of an alliance');
  if (argv.includes('alliance')) (await import('./alliance.ts')).addAllianceCommands(alliance);
}
