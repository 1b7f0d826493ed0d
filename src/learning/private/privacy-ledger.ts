/**
 * What the examples of a node have paid with, over all its runs: every training is charged before it begins, and one that a budget does not
 * cover does not begin. Pure but for `keep`, which must have stored what it is given once it resolves.
 */
import * as z from 'zod';
import {
  epsilonOf,
  noiseFor,
  noLosses,
  type SampledGaussian,
  withSteps,
} from '../../math/renyi-accountant.ts';
import { type PrivacySpec, privacySchema } from '../../run/privacy-spec.ts';
import type { PrivacyOfTraining } from '../learner.ts';

const count = z.int().min(0);

const runSchema = z.strictObject({
  name: z.string(),
  /** As the run demands it; null: only the node does. */
  demand: privacySchema.nullable(),
  clipNorm: z.number().positive(),
  noiseMultiplier: z.number().positive(),
  rate: z.number().min(0).max(1),
  /** Of each round. */
  localSteps: count,
  /** What was charged, alike steps together. */
  spent: z.array(z.strictObject({ rate: z.number(), noiseMultiplier: z.number(), steps: count })),
  /** Of the steps those that this directory did not do, and that a copy of it must have done. */
  assumedSteps: count,
  /** Highest round charged; -1 for none. */
  lastRound: z.int().min(-1),
  /** Deltas known to be published under the node's key. */
  published: count,
});
export type RunSpending = z.infer<typeof runSchema>;

export const privacyLedgerSchema = z.strictObject({
  version: z.literal(1),
  /** Of the node, over all its runs; null: runs alone have budgets. */
  budget: privacySchema.nullable(),
  /** Budgets that it had before, oldest first. */
  earlierBudgets: z.array(privacySchema.nullable()),
  runs: z.record(z.string(), runSchema),
});
export type PrivacyLedgerData = z.infer<typeof privacyLedgerSchema>;

export const emptyLedger: PrivacyLedgerData = { version: 1, budget: null, earlierBudgets: [], runs: {} };

/** Why a training does not begin: the same words each time, for they are counted. */
export const budgetSpent = 'the privacy budget is spent';

export class BudgetSpentError extends Error {
  override readonly name = 'BudgetSpentError';
  readonly code = 'PRIVACY_BUDGET_SPENT';
}

/** A run cannot be taken part in as privately as is asked for. */
export class PrivacyError extends Error {
  override readonly name = 'PrivacyError';
  readonly code = 'PRIVACY_NOT_POSSIBLE';
}

/** How a budget stands. */
export interface BudgetState {
  readonly of: 'run' | 'node';
  readonly epsilon: number;
  readonly delta: number;
  readonly spent: number;
}

export interface PrivacyState extends PrivacyOfTraining {
  readonly rate: number;
  readonly steps: number;
  readonly assumedSteps: number;
  readonly budgets: readonly BudgetState[];
  /** The next round of the usual length is not covered. */
  readonly isSpent: boolean;
}

export interface PrivateRun {
  readonly runId: string;
  readonly name: string;
  /** What its manifest demands; null: nothing. */
  readonly demand: PrivacySpec | null;
  readonly rounds: number;
  readonly localSteps: number;
  /** Probability with which an example takes part in a step. */
  readonly rate: number;
  /** The node trained in it before. */
  readonly isBack: boolean;
}

export class PrivacyLedger {
  #data: PrivacyLedgerData;
  readonly #keep: (data: PrivacyLedgerData) => Promise<void>;
  /** One write after another. */
  #kept: Promise<void> = Promise.resolve();

  constructor(data: PrivacyLedgerData, keep: (data: PrivacyLedgerData) => Promise<void>) {
    this.#data = data;
    this.#keep = keep;
  }

  get data(): PrivacyLedgerData {
    return this.#data;
  }

  /**
   * The account of a run; null where neither the run nor the node asks for privacy.
   * @throws PrivacyError where it cannot be had any more
   */
  async open(run: PrivateRun): Promise<RunAccount | null> {
    const { budget } = this.#data;
    if (run.demand === null && budget === null) return null;
    const before = this.#data.runs[run.runId];
    if (!before && run.isBack) {
      throw new PrivacyError(
        `this node trained in run ${run.runId} before without privacy, or its privacy.json is gone: what it published cannot be protected any ` +
          'more, and more of it lies in its store; take part with an empty --dir, or leave the run',
      );
    }
    const noise = before && this.#isEnough(run, before) ? before.noiseMultiplier : this.#noiseOf(run);
    await this.change(run.runId, {
      ...(before ?? { spent: [], assumedSteps: 0, lastRound: -1, published: 0 }),
      ...{ name: run.name, demand: run.demand, rate: run.rate, localSteps: run.localSteps },
      clipNorm: run.demand?.clipNorm ?? budget!.clipNorm,
      noiseMultiplier: noise,
    });
    return this.account(run.runId);
  }

  /** Of a run that it has. */
  account(runId: string): RunAccount {
    return new RunAccount(this, runId);
  }

  /** Losses of one run, or of all together. */
  losses(runId: string | null): Float64Array {
    const runs = Object.entries(this.#data.runs).filter(([id]) => runId === null || id === runId);
    const spent = runs.flatMap(([, run]) => run.spent);
    return spent.reduce((losses, { steps, ...each }) => withSteps(losses, each, steps), noLosses);
  }

  /** What bounds the run, and by which losses; with so many more steps. */
  budgets(runId: string, more: SampledGaussian & { readonly steps: number }): BudgetState[] {
    const run = this.#data.runs[runId]!;
    const { budget } = this.#data;
    const state = (of: 'run' | 'node', { epsilon, delta }: PrivacySpec): BudgetState => {
      const losses = withSteps(this.losses(of === 'run' ? runId : null), more, more.steps);
      return { of, epsilon, delta, spent: epsilonOf(losses, delta) };
    };
    return [
      ...(run.demand === null ? [] : [state('run', run.demand)]),
      ...(budget === null ? [] : [state('node', budget)]),
    ];
  }

  /** Resolves once it is stored. */
  change(runId: string, run: RunSpending): Promise<void> {
    this.#data = { ...this.#data, runs: { ...this.#data.runs, [runId]: run } };
    const data = this.#data;
    const kept = this.#kept.then(() => this.#keep(data));
    // Whoever waits for it hears of it; the next write says the same and more.
    this.#kept = kept.catch(() => {});
    return kept;
  }

  /** Resolves once nothing is being stored. */
  settled(): Promise<void> {
    return this.#kept;
  }

  /** What was settled for the run before is as much as is asked for now. */
  #isEnough({ demand, rate }: PrivateRun, before: RunSpending): boolean {
    const least = Math.max(demand?.noiseMultiplier ?? 0, this.#data.budget?.noiseMultiplier ?? 0);
    return before.rate === rate && before.noiseMultiplier >= least && before.spent.length > 0;
  }

  #noiseOf({ runId, demand, rate, rounds, localSteps }: PrivateRun): number {
    const { budget } = this.#data;
    const asked = [demand?.noiseMultiplier, budget?.noiseMultiplier].filter(
      (noise) => typeof noise === 'number',
    );
    if (asked.length > 0) return Math.max(...asked);
    const done = this.#data.runs[runId]?.spent.reduce((sum, { steps }) => sum + steps, 0) ?? 0;
    const left = Math.max(localSteps, rounds * localSteps - done);
    const wanted = [
      demand && noiseFor(demand, rate, left, this.losses(runId)),
      budget && noiseFor(budget, rate, left, this.losses(null)),
    ].filter((noise) => typeof noise === 'number');
    if (wanted.length > 0) return Math.max(...wanted);
    throw new PrivacyError(
      `no noise keeps run ${runId} within its privacy budget: it is spent (\`starlings privacy report\`); fewer rounds or steps, or a larger ` +
        'budget, would need less',
    );
  }
}

/** One run of a ledger. */
export class RunAccount {
  readonly #ledger: PrivacyLedger;
  readonly #runId: string;

  constructor(ledger: PrivacyLedger, runId: string) {
    this.#ledger = ledger;
    this.#runId = runId;
  }

  /** How to train so many steps in this round, which are paid for when it resolves, whatever comes of them. @throws BudgetSpentError */
  async charge(round: number, steps: number): Promise<PrivacyOfTraining> {
    const { clipNorm, noiseMultiplier } = this.#run;
    if (!this.#covers(steps)) throw new BudgetSpentError(budgetSpent);
    await this.#spend(steps, { lastRound: Math.max(round, this.#run.lastRound) });
    return { clipNorm, noiseMultiplier };
  }

  /** Of the steps that were charged last so many were not made, and nothing will come of them. */
  async giveBack(steps: number): Promise<void> {
    await this.#spend(-steps, {});
  }

  /** A delta of this node was published. It is stored with the next change. */
  notePublished(): void {
    this.#change({ published: this.#run.published + 1 }).catch(() => {});
  }

  /**
   * An entry of this round is signed with the node's key and is not ours: a copy of the directory trained, or this one is the older one. All
   * rounds since the last that was charged are.
   */
  async noteForeign(round: number): Promise<void> {
    const { lastRound, published } = this.#run;
    const rounds = Math.max(1, round - lastRound);
    await this.#assume(rounds, { lastRound: Math.max(round, lastRound), published: published + 1 });
  }

  /** The log, final up to this round, holds so many deltas by the node's key. One may have been published and not been noted in a crash. */
  async noteContribution(deltas: number, finalRound: number): Promise<void> {
    const { published, lastRound } = this.#run;
    if (deltas <= published + 1) return;
    const rounds = Math.max(deltas - published, finalRound - lastRound);
    await this.#assume(rounds, { lastRound: Math.max(finalRound, lastRound), published: deltas });
  }

  state(): PrivacyState {
    const { clipNorm, noiseMultiplier, rate, spent, assumedSteps, localSteps } = this.#run;
    const steps = spent.reduce((sum, each) => sum + each.steps, 0);
    const budgets = this.#ledger.budgets(this.#runId, { rate, noiseMultiplier, steps: 0 });
    return {
      clipNorm,
      noiseMultiplier,
      rate,
      steps,
      assumedSteps,
      budgets,
      isSpent: !this.#covers(localSteps),
    };
  }

  get #run(): RunSpending {
    return this.#ledger.data.runs[this.#runId]!;
  }

  #covers(steps: number): boolean {
    const { rate, noiseMultiplier } = this.#run;
    const after = this.#ledger.budgets(this.#runId, { rate, noiseMultiplier, steps });
    return after.every(({ epsilon, spent }) => spent <= epsilon);
  }

  #assume(rounds: number, fields: Partial<RunSpending>): Promise<void> {
    const steps = rounds * this.#run.localSteps;
    return this.#spend(steps, { ...fields, assumedSteps: this.#run.assumedSteps + steps });
  }

  #spend(steps: number, fields: Partial<RunSpending>): Promise<void> {
    const { rate, noiseMultiplier, spent } = this.#run;
    const isAlike = (each: SampledGaussian): boolean =>
      each.rate === rate && each.noiseMultiplier === noiseMultiplier;
    const before = spent.find(isAlike)?.steps ?? 0;
    const others = spent.filter((each) => !isAlike(each));
    const sum = Math.max(0, before + steps);
    return this.#change({ ...fields, spent: [...others, { rate, noiseMultiplier, steps: sum }] });
  }

  #change(fields: Partial<RunSpending>): Promise<void> {
    return this.#ledger.change(this.#runId, { ...this.#run, ...fields });
  }
}
