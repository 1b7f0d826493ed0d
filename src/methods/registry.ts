/** Every method there is: one line each. */
import type * as z from 'zod';
import type { Crypto } from '../core/crypto.ts';
import type { RunFrame } from '../core/run-frame.ts';
import { rowsPerRoundMax } from '../log/wire.ts';
import { byId, schemaOfAll } from '../registry/registry.ts';
import { adPsgd } from './ad-psgd/method.ts';
import { choco } from './choco/method.ts';
import { dPsgd } from './d-psgd/method.ts';
import { deltaLog } from './delta-log/method.ts';
import { diloco } from './diloco/method.ts';
import { epidemic } from './epidemic/method.ts';
import { gossipLearning } from './gossip-learning/method.ts';
import { entryLog } from './log/method.ts';
import type { DeltaTraits, LogTraits, Method } from './method.ts';
import { moshpit } from './moshpit/method.ts';
import { noloco } from './noloco/method.ts';
import { secureAggregation } from './secure-aggregation/method.ts';
import { sgp } from './sgp/method.ts';

/** Those that mix models, each peer its own. */
export const mixingMethods = [
  epidemic,
  dPsgd,
  adPsgd,
  sgp,
  gossipLearning,
  choco,
  diloco,
  noloco,
  moshpit,
] as const;

export const methods = [deltaLog, secureAggregation, ...mixingMethods, entryLog] as const;

export const methodSchema = schemaOfAll(methods);
/** A method by its id, with the constants that it has: the `strategy` of a manifest. */
export type MethodSpec = z.infer<typeof methodSchema>;

export function methodOf(spec: MethodSpec): Method {
  return byId<Method>(methods, spec.id);
}

/** Whether everybody must know who takes part. */
export function needsRoster(spec: MethodSpec): boolean {
  return methodOf(spec).needsRoster(spec);
}

/** Whether whoever boots all nodes of a run names them in it, where its file does not. */
export function namesMembers(spec: MethodSpec): boolean {
  return needsRoster(spec) || deltasOf(spec)?.alliance !== undefined;
}

/** The log that the peers of a run keep; null where each has a model of its own. */
export function logOf(spec: MethodSpec): LogTraits | null {
  return methodOf(spec).log(spec);
}

/** Of a log whose model is the sum of deltas that all can see; null for all others. */
export function deltasOf(spec: MethodSpec): DeltaTraits | null {
  return logOf(spec)?.deltas ?? null;
}

/** Why a log has no deltas that anybody could look at. */
export function whyNoDeltas(spec: MethodSpec): string {
  return trains(spec) ? `shows nobody a single delta, by ${spec.id}` : 'trains nothing';
}

/** False where the run is its log and nothing else. */
export function trains(spec: MethodSpec): boolean {
  return logOf(spec)?.trains ?? true;
}

/** Why no answer has room for a round of the run's log; null where one has. */
export function crowdedKinds(spec: MethodSpec, frame: RunFrame, crypto: Crypto): string | null {
  const entries = logOf(spec)?.entriesPerRound(frame, crypto) ?? 0;
  if (entries <= rowsPerRoundMax) return null;
  return `the kinds of the run may have ${entries} entries in a round together, and an answer has room for ${rowsPerRoundMax}: log fewer kinds, in two runs if need be`;
}
