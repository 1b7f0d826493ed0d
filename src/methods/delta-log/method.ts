import { compressorKind } from '../../codec/compressors/registry.ts';
import { ballotRounds } from '../../entries/ballot/ballot-kind.ts';
import { evaluationExamplesOf } from '../../entries/judging-registry.ts';
import { impossibleKinds } from '../../entries/registry.ts';
import { kindsMax } from '../../log/envelope.ts';
import { within } from '../../registry/impossible.ts';
import { defineMethod, type PartsArguments, smallRequestBytesMax } from '../method.ts';
import { DeltaLog } from './delta-log.ts';
import { allianceCommitteeMax, createLogParts, entriesPerRound } from './log-parts.ts';
import { noiseOfPeers } from './private-sending.ts';
import { deltaLogSchema } from './schema.ts';

export const deltaLog = defineMethod({
  id: 'delta-log',
  schema: deltaLogSchema,
  examples: [
    { id: 'delta-log', codec: { chunk: 64, perChunk: 8 } },
    { id: 'delta-log', codec: { chunk: 64, perChunk: 16 }, overlap: 'mean', headStart: 0.5 },
    { id: 'delta-log', codec: { id: 'int8', block: 64 } },
    { id: 'delta-log', judging: { id: 'scores', evaluators: 2 } },
    { id: 'delta-log', audits: { rate: 0.1 } },
    { id: 'delta-log', admitRounds: 1, judgingRounds: 5, alliance: {} },
    { id: 'delta-log', peerPrivacy: { epsilon: 8, clipNorm: 1, publications: 100 } },
  ],
  log: (spec) => {
    const { windowRounds, snapshotRounds, kinds, audits, alliance, judging } = spec;
    const parts = (...[frame, runId, deps]: PartsArguments) => createLogParts(frame, spec, runId, deps);
    return {
      ...{ windowRounds, snapshotRounds, parts, trains: true, deltas: { ...spec, parts } },
      entriesPerRound: (_, crypto) => entriesPerRound(spec, crypto),
      kinds: [
        'delta',
        ...kinds.map(({ id }) => id),
        ...(audits ? ['audit'] : []),
        ...(alliance ? ['ballot'] : []),
        ...(judging ? [judging.id] : []),
      ],
    };
  },
  topology: () => null,
  needsRoster: () => false,
  requestBytesMax: () => smallRequestBytesMax,
  impossible(spec, _peers, size) {
    const { admitRounds, judgingRounds, windowRounds, committeeSize } = spec;
    const { kinds, codec, judging, audits, alliance, peerPrivacy } = spec;
    const below = `must be below windowRounds (${windowRounds})`;
    if (admitRounds >= windowRounds) {
      return { path: ['admitRounds'], message: `${below}: a delta admitted last needs time to spread` };
    }
    if (judgingRounds >= windowRounds) {
      const message = `${below}: who publishes is drawn by rounds that moved the model`;
      return { path: ['judgingRounds'], message };
    }
    const votedBy = ballotRounds(admitRounds).fold;
    if (alliance && judgingRounds < votedBy) {
      const message = `must be at least ${votedBy} with an alliance: votes on a round are shown ${votedBy - 1} rounds later where admitRounds is ${admitRounds}`;
      return { path: ['judgingRounds'], message };
    }
    if (alliance && committeeSize > allianceCommitteeMax) {
      const message = `must be at most ${allianceCommitteeMax} with an alliance: a round has room for so many deltas beside the votes on it`;
      return { path: ['committeeSize'], message };
    }
    const others = 1 + (judging ? 1 : 0) + (audits ? 1 : 0) + (alliance ? 1 : 0);
    if (kinds.length + others > kindsMax) {
      return {
        path: ['kinds'],
        message: `must be at most ${kindsMax - others}, beside deltas and what judges them`,
      };
    }
    if (audits && compressorKind(codec).isByChance) {
      const message = `must be one that comes to the same bytes whoever trains, for audits: ${codec.id} draws lots`;
      return { path: ['codec'], message };
    }
    if (audits && judgingRounds > 0) {
      const message = 'must be 0 with audits: what they come to is known too late to wait for';
      return { path: ['judgingRounds'], message };
    }
    if (peerPrivacy && (audits || alliance || (judging && evaluationExamplesOf(judging) === null))) {
      const message =
        'goes with neither audits nor votes nor an alliance: they publish what a peer learned of its own data, without noise';
      return { path: ['peerPrivacy'], message };
    }
    if (peerPrivacy && noiseOfPeers(peerPrivacy) === null) {
      return { path: ['peerPrivacy', 'epsilon'], message: 'no noise keeps to it over so many publications' };
    }
    const wrong = impossibleKinds(kinds);
    if (wrong !== null) return { path: ['kinds'], message: wrong };
    return within(['codec'], compressorKind(codec).impossible?.(codec, size) ?? null);
  },
  create: (spec, frame, runId, deps) => new DeltaLog(frame, spec, runId, deps),
});
