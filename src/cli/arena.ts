/** Open tasks on which members' models are compared on hidden shards: commands to running nodes, and what holders of shards do. */
import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { commandOf } from '../node/commands/commands.ts';
import { amount } from '../node/words/amount.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { addControl } from './node-controls.ts';
import { checkPart, collected, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import { checkMayWrite } from './parts/may-write.ts';
import { startedNode, withTarget } from './parts/node/node-target.ts';

export function addArenaCommands(parent: Command): void {
  addShard(parent);
  addCreate(parent);
  addControl(parent, commandOf('submit')!, 'submit', async (...asked) =>
    (await import('./parts/arena/submission-check.ts')).checkSubmission(...asked),
  );
  addControl(parent, commandOf('board')!, 'board');
  addEvaluate(parent);
  addVerify(parent);
}

interface ShardOptions {
  readonly from: string;
  readonly data?: string;
  readonly part: number;
  readonly of: number;
  readonly examples: number;
  readonly out: string;
  readonly dir: string;
  readonly force?: true;
}

function addShard(parent: Command): void {
  parent
    .command('shard')
    .description('make a hidden shard of held-out examples, and print what the arena is told of it')
    .requiredOption('--from <path>', 'a model of the task, trained or not: how examples are read')
    .option('--data <path>', 'what its task reads (MNIST by default, where the task takes it)', configFile)
    .option('--part <number>', 'every so manieth example, from 0', wholeNumber(0, 31), 0)
    .option('--of <count>', 'shards that the examples are dealt to', wholeNumber(1, 32), 1)
    .option('--examples <count>', 'at most', wholeNumber(1, 8192), 512)
    .option('--dir <dir>', 'directory of the node that will hold it', dataHome('node'))
    .requiredOption('--out <file>', 'the shard: keep it to yourself until the models are in')
    .option('--force', 'replace the file where one exists')
    .action((options: ShardOptions, command: Command) =>
      perform(command, async ({ say }) => {
        checkMayWrite(options.out, options.force);
        checkPart(options);
        const { writeShard } = await import('./parts/arena/arena-shard.ts');
        const { keyFileOf } = await import('../daemon/directory.ts');
        const { loadIdentity } = await import('../network/identity.ts');
        const { key } = await loadIdentity(keyFileOf(options.dir));
        const shard = await writeShard(options);
        const { shardText } = await import('./parts/arena/shard-text.ts');
        const told = shardText({ holder: key, ...shard });
        say(`shard     ${told}`);
        return { json: { shard: told } };
      }),
    );
}

interface CreateOptions {
  readonly name: string;
  readonly shard: readonly string[];
  readonly rounds: number;
  readonly judgingRounds?: number;
  readonly slotMs: number;
  readonly bytesMax: number;
  readonly out: string;
  readonly key: string;
  readonly force?: true;
}

function addCreate(parent: Command): void {
  parent
    .command('create')
    .description('sign an arena: who holds which hidden shard, and how long there is for what')
    .option('--name <name>', 'lower-case letters, digits and dashes', 'arena')
    .requiredOption('--shard <text...>', 'what `starlings arena shard` printed, for each holder', collected)
    .option('--rounds <count>', 'for submissions', wholeNumber(4, 100_000), 60)
    .option(
      '--judging-rounds <count>',
      'each to commit, to reveal and to count again (default: as for submissions)',
      wholeNumber(4, 100_000),
    )
    .option('--slot-ms <ms>', 'of a round', wholeNumber(50, 86_400_000), 60_000)
    .option(
      '--bytes-max <bytes>',
      'of a model file: larger ones are refused',
      wholeNumber(64, 1 << 30),
      64 << 20,
    )
    .option('--out <file>', 'manifest to write', 'arena.manifest')
    .option('--key <file>', 'key to sign with; made where there is none', dataHome('creator.key'))
    .option('--force', 'replace the manifest where one exists')
    .action((options: CreateOptions, command: Command) =>
      perform(command, async ({ say }) => {
        const { name, rounds, judgingRounds = rounds, slotMs, bytesMax, out } = options;
        checkMayWrite(out, options.force);
        const { arenaSpec } = await import('./parts/arena/arena-spec.ts');
        const { readShardText } = await import('./parts/arena/shard-text.ts');
        const shards = options.shard.map(readShardText);
        checkHolders(shards);
        const spec = arenaSpec({ name, rounds, judgingRounds, slotMs, bytesMax, shards });
        const { loadIdentity } = await import('../network/identity.ts');
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { createRun, writeManifestFile } = await import('../node/files/manifest-file.ts');
        const { signer } = await loadIdentity(options.key);
        const run = createRun(spec, Date.now(), createCrypto(), signer);
        await writeManifestFile(out, run);
        say(`run      ${run.runId}`);
        say(`manifest ${out}`);
        if (shards.length === 1)
          say('trouble  one holder alone: what it says of a submission nobody can outvote');
        for (const line of nextSteps(out, run.manifest.startAtMs, options)) say(line);
        return { json: { runId: run.runId, manifest: out, creator: signer.key } };
      }),
    );
}

/** @throws ConfigError */
function checkHolders(shards: readonly { readonly holder: string; readonly root: string }[]): void {
  for (const field of ['holder', 'root'] as const) {
    if (new Set(shards.map((shard) => shard[field])).size < shards.length)
      throw new ConfigError(
        'BAD_USAGE',
        `--shard: two have the same ${field}; each holder has one shard, and each shard one holder`,
      );
  }
}

function* nextSteps(
  out: string,
  startAtMs: number,
  { rounds, judgingRounds = rounds, slotMs }: CreateOptions,
): Generator<string> {
  const at = (round: number): string => new Date(startAtMs + round * slotMs).toISOString();
  yield `open     until ${at(rounds)} for submissions; commitments until ${at(rounds + judgingRounds)}, reveals until ${at(rounds + 2 * judgingRounds)}, all is counted by ${at(rounds + 3 * judgingRounds)}`;
  yield '\nGive the manifest to one node, which lets the others in (`starlings invite`, `starlings join`):';
  yield `  starlings node --run ${shellWord(out)} --no-data --dir DIR`;
  yield 'Members submit, and each holder leaves its shard to one command until all is over:';
  yield '  starlings arena submit --dir DIR --file model.safetensors --name NAME';
  yield '  starlings arena evaluate --dir DIR --shard FILE';
  yield 'Who is where, at any time:';
  yield '  starlings arena board --dir DIR';
}

interface EvaluateOptions extends Readonly<Record<string, unknown>> {
  readonly run?: string;
  readonly shard: string;
  readonly fetchSeconds: number;
}

function addEvaluate(parent: Command): void {
  withTarget(parent.command('evaluate'))
    .description(
      'hold a shard: score what was submitted, commit, reveal, and count the others again, each when its time has come',
    )
    .requiredOption('--shard <file>', 'the shard that this node holds')
    .option('--run <run>', 'the arena: run id, its beginning, or the name of the run')
    .option(
      '--fetch-seconds <seconds>',
      'how long the file of a submission is looked for',
      wholeNumber(1, 86_400),
      20,
    )
    .action((options: EvaluateOptions, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const target = await startedNode((name) => options[name], signal);
        const { ArenaHolder } = await import('./parts/arena/arena-holder.ts');
        const { run, shard, fetchSeconds } = options;
        const holder = new ArenaHolder({ target, run, shard, fetchSeconds, say, signal });
        const judged = await holder.judge();
        return { json: { ...judged }, ok: judged.hasRevealed };
      }),
    );
}

interface VerifyOptions {
  readonly archive: string;
  readonly files?: string;
}

function addVerify(parent: Command): void {
  parent
    .command('verify')
    .description(
      'the board from an archive alone; with the files of its submissions and shards all scores are counted again',
    )
    .requiredOption(
      '--archive <file>',
      'log of the arena (`starlings log export`), or the directory of a stopped node',
    )
    .option('--files <folder>', 'submissions and shards, named by their roots: `runs/RUNID/files` of a node')
    .action(({ archive, files = '' }: VerifyOptions, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { checkArena } = await import('../daemon/arena-check.ts');
        const { boardLines } = await import('../node/commands/arena-commands.ts');
        const { lackingText } = await import('./view/arena-lines.ts');
        const { summary, board, checked, missing } = await checkArena(
          archive,
          '',
          files === '' ? null : files,
          signal,
        );
        for (const line of boardLines(board)) say(line);
        for (const { what, root, isOther } of missing) {
          const why = isOther ? `in ${files} was changed: its root is not` : `is not in ${files}:`;
          say(`missing   the file of ${what} ${why} ${root}`);
        }
        if (files === '') say('counted   nothing again: --files names the folder of submissions and shards');
        for (const { holder, isRight, notHad, counted } of checked) {
          const of = `${counted} of ${amount(board.rows.length, 'submission')}`;
          const found =
            isRight === null
              ? 'cannot be counted again'
              : isRight
                ? `is right, on ${of}`
                : `IS NOT what was revealed, on ${of}${lackingText(notHad)}`;
          say(`counted   ${holder.slice(0, 16)} ${found}`);
        }
        return {
          json: { ...summary, board, checked, missing },
          ok: checked.every(({ isRight }) => isRight !== false),
        };
      }),
    );
}
