import { type Command, Option } from 'commander';
import { numberBetween, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';

interface Options {
  readonly unit: 'record' | 'peer';
  readonly epsilon: number;
  readonly delta: number;
  readonly examples: number;
  readonly batch: number;
  readonly steps: number;
  readonly peers: number;
  readonly rounds: number;
  readonly parameters: number;
}

export function addPrivacyPlanCommand(parent: Command): void {
  const many = wholeNumber(1, 2 ** 40);
  parent
    .command('plan')
    .description(
      'how much noise a privacy budget asks for, and whether anything can be learned with it; exit code 1 where no noise keeps to it',
    )
    .requiredOption('--epsilon <epsilon>', 'budget of the whole run', numberBetween(1e-6, 1000))
    .option('--delta <delta>', 'probability with which it may fail', numberBetween(1e-15, 0.01), 1e-5)
    .addOption(
      new Option('--unit <unit>', 'what is protected: one example of a node, or all that a node sends')
        .choices(['record', 'peer'])
        .default('record'),
    )
    .option('--examples <count>', 'record: examples of the node', many, 10_000)
    .option('--batch <count>', 'record: examples per step, on average', many, 256)
    .option('--steps <count>', 'record: steps of the whole run, rounds times localSteps', many, 1000)
    .option('--peers <count>', 'peer: nodes that take part', many, 16)
    .option('--rounds <count>', 'peer: rounds of the run', many, 100)
    .option('--parameters <count>', 'peer: of the model, or as many as are sent', many, 10_000)
    .action((options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { planForPeers, planForRecords } = await import('../learning/private/privacy-plan.ts');
        if (options.unit === 'record') {
          const plan = planForRecords(options, { ...options, batchSize: options.batch });
          say(
            plan.noiseMultiplier === null
              ? 'no noise keeps to this budget: take fewer steps, smaller batches or a larger epsilon'
              : `noiseMultiplier ${plan.noiseMultiplier} at rate ${plan.rate.toPrecision(4)}: on the mean of a step, noise of ${plan.noiseOfMean!.toPrecision(3)} times clipNorm in each coordinate`,
          );
          return { json: { unit: 'record', ...plan }, ok: plan.noiseMultiplier !== null };
        }
        const plan = planForPeers(options, options);
        if (plan.noiseMultiplier !== null)
          say(
            `noise of ${plan.noiseMultiplier} times the clip norm of a peer in each coordinate of the sum of a round: over ${options.parameters} ` +
              `coordinates of norm ${plan.noiseNorm!.toPrecision(3)}, where all ${options.peers} peers together have ${plan.sumMax} at most`,
          );
        say(
          plan.isHopeless
            ? `hopeless: the noise drowns what ${options.peers} peers could say; protect records (--unit record), or wait for thousands of peers`
            : 'so many peers can carry it: strategy.peerPrivacy, with as many publications as a peer will have (here --rounds)',
        );
        return { json: { unit: 'peer', ...plan }, ok: plan.noiseMultiplier !== null };
      }),
    );
}
