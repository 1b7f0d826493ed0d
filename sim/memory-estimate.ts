/**
 * How much memory a scenario will take, before it does: coefficients fitted to what runs of each tier took at their peak
 * (docs/LOG.md), rounded up. An estimate for a refusal, not a promise.
 */
import { expectedBodyBytes } from '../src/codec/compressors/registry.ts';
import { methodOf } from '../src/methods/registry.ts';
import { topologyKind } from '../src/methods/topologies/registry.ts';
import { parameterCount } from '../src/tasks/models/model-layout.ts';
import type { Scenario } from './scenario/scenario.ts';

const mebi = 2 ** 20;
/** Node, the program and what the garbage collector leaves lying about; then TensorFlow.js with data and tensors, for each learner. */
const processBytes = 300 * mebi;
const learnerBytes = 330 * mebi;
/** A virtual node, one of its connections, and a peer that it has heard a model of. */
const peerBytes = 4000;
const linkBytes = 350;
const heardBytes = 40;
/** With a log: comparing sets with others, and each entry of the log. */
const comparingBytes = 100_000;
const logEntryBytes = 3500;

/** Bytes at the peak, with that many learners. */
export function memoryEstimate({ peers, run, network, learner }: Scenario, workers: number): number {
  const parameters = parameterCount(run.model);
  const degree = Math.min(network.degree, peers - 1);
  const vector = 4 * parameters;
  const { strategy } = run;
  let perPeer = peerBytes + degree * linkBytes;
  let shared = 0;
  const method = methodOf(strategy);
  const log = method.log(strategy);
  const topology = method.topology(strategy);
  if (log?.deltas) {
    const publishers = Math.min(peers, log.deltas.committeeSize);
    const roundsKept = Math.min(run.rounds, 2 * log.snapshotRounds + log.windowRounds);
    // Residual, its copy on disk, and one end of training on its way.
    perPeer += comparingBytes + 3 * vector + publishers * roundsKept * logEntryBytes;
    shared += publishers * roundsKept * 3 * expectedBodyBytes(log.deltas.codec, parameters);
  }
  if (topology) {
    // Models that a peer sends, and on average hears, in a round.
    const fanout = Math.min(peers - 1, topologyKind(topology).degree(topology, peers));
    perPeer += (4 + fanout) * vector + Math.min(run.rounds, peers) * fanout * heardBytes;
  }
  const learners = learner.id === 'tensorflow' ? Math.max(1, workers) * learnerBytes : peers * vector;
  return processBytes + learners + peers * perPeer + shared;
}
