/** What the log of a run under secure aggregation is made of. */
import { fromString } from 'uint8arrays';
import { viewFloat32 } from '../../codec/dense.ts';
import { namedMembers } from '../../core/membership.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { createEntryKind } from '../../entries/registry.ts';
import { type Quorum, quorumOf, roundsToSum, type SecureSumRules } from '../../entries/secure-sum/rules.ts';
import { createSumKinds, type SumKinds } from '../../entries/secure-sum/sum-kind.ts';
import type { SumState } from '../../entries/secure-sum/sum-state.ts';
import type { Kinds, LogState } from '../../log/log-state.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { type LogParts, partsOfKinds } from '../log-parts.ts';
import type { SecureAggregationSpec } from './schema.ts';

export interface SecureLogParts extends LogParts {
  readonly sumRules: SecureSumRules;
  readonly sums: SumKinds;
}

type Dependencies = Pick<CoreDependencies, 'crypto' | 'initial' | 'shared' | 'inlineMax' | 'credential'>;

/** Of a committee that has so many members, all there are where they are fewer than it may have. */
export function quorumIn(
  { committeeSize, corrupt, threshold }: SecureAggregationSpec,
  members: number,
): Quorum & { readonly size: number } {
  const size = Math.min(committeeSize, members);
  const usual = quorumOf(size);
  const lying = corrupt ?? usual.corrupt;
  const least = Math.floor((size + lying) / 2) + 1;
  return { size, corrupt: lying, threshold: threshold ?? Math.max(least, lying + 1) };
}

export function createSecureLogParts(
  manifest: RunFrame,
  spec: SecureAggregationSpec,
  runId: string,
  deps: Dependencies,
): SecureLogParts {
  const { crypto, initial } = deps;
  const rules = rulesOf(manifest, spec, runId);
  const sums = createSumKinds({ rules, crypto, initial });
  const kinds: Kinds = [...sums.kinds, ...spec.kinds.map((kind) => createEntryKind(kind, { crypto, runId }))];
  const { startAtMs, slotMs, rounds, publishersMin, timeMaxMs, initHash } = manifest;
  const { windowRounds, admitRounds, snapshotRounds } = spec;
  return {
    ...partsOfKinds(kinds, manifest, runId, deps),
    ...{ sumRules: rules, sums },
    frame: {
      ...{ runId, initHash: fromString(initHash, 'hex'), startAtMs, rounds, timeMaxMs },
      // Fewer vectors are never opened: their round counts for nothing.
      publishersMin: Math.max(publishersMin, rules.threshold),
      ...{ slotMs, slotMsMax: slotMs, windowRounds, admitRounds, snapshotRounds },
      // The last vectors are not in the model before they are opened.
      judgingRounds: roundsToSum(rules),
    },
    resultOf: (state) => viewFloat32(sums.parameters(sumStateOf(state))),
  };
}

export function sumStateOf(state: Readonly<LogState>): SumState {
  return state.kinds[0] as SumState;
}

function rulesOf({ membership }: RunFrame, spec: SecureAggregationSpec, runId: string): SecureSumRules {
  const members = [...(namedMembers(membership) ?? [])].sort();
  const { size, corrupt, threshold } = quorumIn(spec, members.length);
  const { cycle, everyRounds, windowRounds, admitRounds, range, outerRate } = spec;
  return {
    ...{ runId, members, committeeSize: size, corrupt, threshold },
    ...{ cycle, everyRounds, windowRounds, admitRounds, range, outerRate },
  };
}
