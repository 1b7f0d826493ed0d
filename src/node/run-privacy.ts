/** How a node protects its examples in one run: how to train in a round, paid for in its ledger, and what the log says of copies. */
import { asError } from '../core/as-error.ts';
import type { ProtocolEvent } from '../core/io.ts';
import type { Learner, PrivacyOfTraining } from '../learning/learner.ts';
import {
  PrivacyError,
  type PrivacyLedger,
  type PrivacyState,
  type RunAccount,
} from '../learning/private/privacy-ledger.ts';
import { deltasOf, logOf } from '../methods/registry.ts';
import type { SignedManifest } from '../run/manifest.ts';

interface RunPrivacyParts {
  readonly account: RunAccount;
  readonly self: string;
  readonly onState: (state: PrivacyState, isBeginning: boolean) => void;
  readonly onFatal: (error: Error) => void;
}

export class RunPrivacy {
  readonly #parts: RunPrivacyParts;
  #published = -1;
  #sinceRound = Number.POSITIVE_INFINITY;

  /** Null where nobody asks for privacy. @throws PrivacyError where it is asked for and cannot be had */
  static async open(options: {
    readonly ledger: PrivacyLedger | null;
    readonly run: SignedManifest;
    readonly learner: Learner;
    readonly isBack: boolean;
    readonly keepsTrainings: boolean;
    readonly self: string;
    readonly onState: (state: PrivacyState, isBeginning: boolean) => void;
    readonly onFatal: (error: Error) => void;
  }): Promise<RunPrivacy | null> {
    const { ledger, run, learner, isBack, keepsTrainings } = options;
    const { training, strategy, rounds, name } = run.manifest;
    const demand = training.privacy ?? null;
    if (demand === null && !ledger?.data.budget) return null;
    if (!ledger)
      throw new PrivacyError(`run ${run.runId} asks for privacy, and this node keeps no ledger of it`);
    if (!logOf(strategy)) {
      throw new PrivacyError(
        `run ${run.runId} has no log (strategy ${strategy.id}): what its peers mix is chosen by their own examples, and nobody could tell how often ` +
          'this node has published; privacy is for delta-log',
      );
    }
    if (deltasOf(strategy)?.audits) {
      throw new PrivacyError(
        `members of run ${run.runId} train each other's deltas again: noise that nobody can know would be taken for a lie, and what is asked of this ` +
          'node would show what it has not sent; privacy does not go with audits',
      );
    }
    if (keepsTrainings) {
      throw new PrivacyError(
        '--retention audit does not go with privacy: the noise is kept nowhere, so that no training can be executed again',
      );
    }
    const rate = learner.samplingRates?.[0];
    if (rate === undefined) {
      throw new PrivacyError(
        `what trains run ${run.runId} here knows no DP-SGD (a trainer says so by the capability \`privacy\`, docs/TRAINERS.md): ` +
          'examples cannot be protected, so none are used',
      );
    }
    const { localSteps } = training;
    const account = await ledger.open({ runId: run.runId, name, demand, rounds, localSteps, rate, isBack });
    if (account === null) return null;
    options.onState(account.state(), true);
    return new RunPrivacy({ ...options, account });
  }

  private constructor(parts: RunPrivacyParts) {
    this.#parts = parts;
  }

  /** @throws BudgetSpentError, and where it cannot be written down */
  async charge(round: number, steps: number): Promise<PrivacyOfTraining> {
    const { account } = this.#parts;
    this.#sinceRound = Math.min(this.#sinceRound, round);
    try {
      return await account.charge(round, steps);
    } finally {
      this.#parts.onState(account.state(), false);
    }
  }

  /** A training was cut, and so many of its steps were not made. */
  async giveBack(steps: number): Promise<void> {
    const { account } = this.#parts;
    await account.giveBack(steps);
    this.#parts.onState(account.state(), false);
  }

  note(event: ProtocolEvent): void {
    if (event.kind === 'published') {
      this.#published = Math.max(this.#published, event.round);
      this.#parts.account.notePublished();
    } else if (event.kind === 'accepted' && event.author === this.#parts.self) {
      // Beyond what this session wrote: of a node with the same key.
      if (event.round > this.#published) this.#assumed(this.#parts.account.noteForeign(event.round));
    }
  }

  noteContribution(deltas: number, finalRound: number): void {
    this.#assumed(this.#parts.account.noteContribution(deltas, finalRound));
  }

  #assumed(kept: Promise<void>): void {
    const { account, onState, onFatal } = this.#parts;
    kept.then(
      () => onState(account.state(), false),
      (error: unknown) => onFatal(asError(error)),
    );
  }
}
