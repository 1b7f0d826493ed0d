/** The ledger of a run from files alone: an archive or the directory of a node, and an evaluation set. */

import { setImmediate } from 'node:timers/promises';
import { FrozenModel } from '../learning/tfjs/frozen-model.ts';
import { Evaluation } from '../ledger/evaluation.ts';
import { FoldRecorder } from '../ledger/fold-recorder.ts';
import { type Ledger, LedgerBuilder, type LedgerSettings } from '../ledger/ledger.ts';
import { whyNoDeltas } from '../methods/registry.ts';
import { NodeError } from '../node/node-error.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { baseFile } from '../run/run-files.ts';
import { loadTaskData, taskKindOf } from '../tasks/data/registry.ts';
import { frozenOf } from '../tasks/models/model-layout.ts';
import { externalFactsOf } from '../tasks/models/registry.ts';
import { ensureBackend } from '../tensor/tfjs-backend.ts';
import { type AnyParts, type ArchiveSummary, readLog } from './log-archive.ts';

export interface RunLedgerOptions {
  /** An id or its beginning, empty where there is one. */
  readonly run: string;
  /** Data whose held-out part is measured on; null: what came with the program. */
  readonly evaluation: string | null;
  readonly examplesPerRound: number;
  readonly settings: LedgerSettings;
  readonly signal?: AbortSignal | undefined;
  /** After each round that moved the model: how many so far. */
  readonly onRound?: ((rounds: number) => void) | undefined;
}

export interface RunLedger {
  readonly summary: ArchiveSummary;
  readonly ledger: Ledger;
  /** What the evaluation set was read from. */
  readonly evaluation: string;
  /** Names of members, by their keys. */
  readonly names: Readonly<Record<string, string>>;
}

const crypto = createCrypto();

/** @throws as `readLog`; NodeError for a run whose deltas cannot be measured here; DataFileError, DataShapeError */
export async function ledgerOf(place: string, options: RunLedgerOptions): Promise<RunLedger> {
  const recorder = new FoldRecorder();
  let builder: LedgerBuilder | null = null;
  let frozen: FrozenModel | null = null;
  let evaluation = '';
  let names: Readonly<Record<string, string>> = {};
  let rounds = 0;
  try {
    const summary = await readLog(place, options.run, {
      signal: options.signal,
      observeFold: recorder.observeFold,
      observeUndo: recorder.observeUndo,
      onRound(state, places) {
        recorder.onRound(state, places);
        builder?.noteRoot(state.round, state.root.slice());
      },
      async opened(signed, parts, fileOf) {
        refuseUnmeasurable(signed);
        const measured = measuredParts(signed, parts);
        const { membership, model } = signed.manifest;
        names = (membership.kind === 'allow-list' && membership.names) || {};
        evaluation = await evaluationPath(signed, options.evaluation);
        const added = frozenOf(model);
        const vector = added && (await fileOf(baseFile));
        await ensureBackend();
        if (added && vector) frozen = new FrozenModel(added, vector);
        builder = await builderOf(signed, measured, frozen, evaluation, options);
      },
      async settle() {
        for (const recorded of recorder.take()) {
          await builder?.add(recorded);
          if (recorded.kind === 'folded') options.onRound?.(++rounds);
        }
      },
    });
    // Reading ends only after the archive was opened.
    return { summary, ledger: (builder as LedgerBuilder | null)!.finish(), evaluation, names };
  } finally {
    (frozen as FrozenModel | null)?.dispose();
  }
}

async function builderOf(
  { manifest, runId }: SignedManifest,
  { rules, frame }: MeasuredParts,
  frozen: FrozenModel | null,
  path: string,
  { examplesPerRound, settings, signal }: RunLedgerOptions,
): Promise<LedgerBuilder> {
  const { task, model } = manifest;
  const { heldOut: dataset } = await loadTaskData(task, model, path);
  const evaluation = new Evaluation({ runId, model, dataset, frozen, examplesPerRound, crypto, signal });
  const turn = async (): Promise<void> => {
    await setImmediate();
    signal?.throwIfAborted();
  };
  return new LedgerBuilder({ runId, crypto, rules, frame, evaluation, settings, turn });
}

type MeasuredParts = Extract<AnyParts, { readonly rules: unknown }>;

/** @throws NodeError where nobody moves a model */
function measuredParts({ manifest, runId }: SignedManifest, parts: AnyParts): MeasuredParts {
  if ('rules' in parts) return parts;
  throw new NodeError(
    'NO_LEDGER',
    `run ${runId} ${whyNoDeltas(manifest.strategy)}: there is nothing that could be measured`,
  );
}

/** @throws NodeError */
function refuseUnmeasurable({ manifest, runId }: SignedManifest): void {
  const { model, shared } = manifest;
  if (externalFactsOf(model) !== null) {
    throw new NodeError(
      'NO_LEDGER',
      `run ${runId} is trained by a program of its own, whose gradients are not known here: there is no ledger of it`,
    );
  }
  if (shared !== undefined) {
    throw new NodeError(
      'NO_LEDGER',
      `run ${runId} shares a part of its model: what a delta is worth depends on layers that each peer keeps to itself`,
    );
  }
}

/** @throws NodeError where it has to be named */
async function evaluationPath({ manifest }: SignedManifest, given: string | null): Promise<string> {
  const bundled = given ?? (await taskKindOf(manifest.task).bundledData?.());
  if (bundled !== undefined) return bundled;
  throw new NodeError(
    'NO_EVALUATION',
    `name data to measure on with --evaluation: what the task of the run reads (${taskKindOf(manifest.task).files}); its held-out part is used`,
  );
}
