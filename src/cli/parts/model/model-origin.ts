/** How a saved model came to be: what its file says, and the status that its node left beside it. */
import { basename, dirname, resolve } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import { RUNS_FOLDER } from '../../../daemon/directory.ts';
import { readLastView } from '../../../daemon/last-view.ts';
import type { Origin } from '../../../learning/model-files/model-card.ts';
import { majorityOf } from '../../../tasks/assessment.ts';
import { headlineOf } from '../../../tasks/measures.ts';
import type { Evaluation } from './evaluations.ts';
import type { FoundModel } from './model-source.ts';

export function originOf({ file, metadata }: FoundModel): Origin {
  const runId = metadata['runId'] ?? null;
  const modelHash = metadata['modelHash'] ?? null;
  const view = runId === null ? null : viewBeside(file, runId);
  // Of another model of the run it would say what is not so.
  const isOfThis = view !== null && view.modelHash === modelHash;
  const names = view?.members.names ?? {};
  const measured = isOfThis && headlineOf(view) ? view : null;
  return {
    name: view?.run?.name ?? null,
    runId,
    round: metadata['round'] ?? null,
    method: view?.run?.method ?? null,
    modelHash,
    ...(metadata['personal'] === undefined ? {} : { personal: namesIn(metadata['personal']) }),
    measured:
      measured === null
        ? null
        : {
            accuracy: measured.accuracy,
            ...(measured.measures.length > 0 ? { measures: measured.measures } : {}),
            loss: measured.heldOutLoss,
            examples: measured.heldOutExamples,
            alone: measured.alone && headlineOf(measured.alone),
            majority: null,
          },
    authors: isOfThis
      ? view.contributions.map(({ peer, deltas, share }) => ({
          key: peer,
          name: names[peer] ?? null,
          deltas,
          share,
        }))
      : [],
  };
}

/** A file may come from anybody: what is no list of names is passed over. */
function namesIn(text: string): readonly string[] {
  return z.array(z.string()).safeParse(parseJson(text)).data ?? [];
}

/** The same, as measured now. */
export function measuredAs(origin: Origin, { metrics, assessment }: Evaluation): Origin {
  const { accuracy, measures, loss, examples } = metrics;
  const majority = assessment && majorityOf(assessment);
  return {
    ...origin,
    measured: { accuracy, ...(measures ? { measures } : {}), loss, examples, alone: null, majority },
  };
}

function viewBeside(file: string, runId: string) {
  const folder = dirname(resolve(file));
  const runs = dirname(folder);
  return basename(runs) === RUNS_FOLDER && basename(folder) === runId
    ? readLastView(dirname(runs), runId)
    : null;
}
