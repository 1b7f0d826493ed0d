/**
 * The library: what a program of its own needs to describe a run, take part in it, drive its state machine over
 * other ports, or simulate it. The only file that re-exports; everything not named here may change at any time.
 */

// Describing a run.

export { ConfigError } from './config/config-error.ts';
export { loadRunSpec } from './config/run-file.ts';
export { createRun, readManifestFile, writeManifestFile } from './node/manifest-file.ts';
export type { RunManifest, SignedManifest } from './protocol/manifest.ts';
export {
  ManifestError,
  manifestBytesMax,
  modelSize,
  openManifest,
  signManifest,
} from './protocol/manifest.ts';
export { modelLayout, parameterCount, type TensorLayout } from './protocol/model-layout.ts';
export type {
  MembershipSpec,
  ModelSpec,
  RunSpec,
  StrategySpec,
  TaskSpec,
  TrainingSpec,
} from './protocol/run-spec.ts';
export { impossibleCombination, runSpecSchema } from './protocol/run-spec.ts';

// The state machine of a run, what goes in and what comes out.

export type { CoreDependencies } from './protocol/core-dependencies.ts';
export { createCore, requestBytesMax } from './protocol/create-core.ts';
export type { Crypto, Signer } from './protocol/crypto.ts';
export type {
  CoreStatus,
  Input,
  Output,
  PeerKey,
  Phase,
  ProtocolCore,
  ProtocolEvent,
  RefusalReason,
  StoreWrite,
  Verdict,
} from './protocol/io.ts';
export { REFUSAL_REASONS } from './protocol/io.ts';

// Driving it in real time: the ports, and the parts that fit them.

export { createCrypto, createSigner } from './node/crypto.ts';
export type { DriverOptions } from './node/driver.ts';
export { NodeDriver, RequestRefusedError } from './node/driver.ts';
export { openLevelStore, StoreError } from './node/level-store.ts';
export type { Clock, RequestOptions, Store, Transport, TransportHandlers } from './node/ports.ts';
export { wallClock } from './node/wall-clock.ts';

// Deltas and their bytes, and the random streams that everyone draws alike.

export type { WeightedDelta } from './codec/accumulate.ts';
export { accumulate, accumulateMeans } from './codec/accumulate.ts';
export type { DeltaCodec, SparseDelta } from './codec/delta-codec.ts';
export { CodecError } from './codec/delta-codec.ts';
export { UNIT_BITS } from './codec/scale.ts';
export type { SparseSignOptions } from './codec/sparse-sign.ts';
export {
  addDecoded,
  sparseSignCodec,
  squaredNorm,
  subtractDecoded,
} from './codec/sparse-sign.ts';
export { Rng, rngFor } from './math/rng.ts';

// Methods on plain vectors, to check a figure or to build one's own: docs/METHODS.md.

export type { Compressor } from './codec/compressor.ts';
export type { CompressorSpec } from './codec/create-compressor.ts';
export { createCompressor } from './codec/create-compressor.ts';
export { Ef21, ErrorFeedback, ef21StepRatio } from './codec/error-feedback.ts';
export type { Vector } from './math/vector.ts';
export type { Aggregation, Aggregator } from './mixing/aggregator.ts';
export { AggregationError } from './mixing/aggregator.ts';
export { geometricMedian } from './mixing/aggregators/geometric-median.ts';
export type { Attack, AttackInput, Honest } from './mixing/attack.ts';
export { dormant } from './mixing/attacks/dormant.ts';
export { flipLabels } from './mixing/attacks/label-flip.ts';
export type { AggregatorSpec } from './mixing/create-aggregator.ts';
export { createAggregator } from './mixing/create-aggregator.ts';
export type { AttackSpec } from './mixing/create-attack.ts';
export { createAttack } from './mixing/create-attack.ts';
export type { MixingSpec, StrategyParts } from './mixing/create-strategy.ts';
export { createMixingStrategy } from './mixing/create-strategy.ts';
export type { TopologySpec } from './mixing/create-topology.ts';
export { createTopology } from './mixing/create-topology.ts';
export type { Transfer } from './mixing/push-sum-ledger.ts';
export { PushSumLedger } from './mixing/push-sum-ledger.ts';
export type { NetworkStep } from './mixing/step-network.ts';
export { hoodsOf, stepNetwork } from './mixing/step-network.ts';
export type { Hood, MixingStrategy, Packed, Parcel, Received } from './mixing/strategy.ts';
export type { MixingRow, Topology } from './mixing/topology.ts';
export {
  columnOf,
  denseMatrix,
  meansOfGroups,
  mixOnce,
  secondEigenvalue,
  TopologyError,
  weighted,
} from './mixing/topology.ts';

// Data and training.

export type { Dataset, TaskData } from './data/dataset.ts';
export { loadTaskData, mnistFolder } from './data/dataset.ts';
export { initialVector, vectorHash } from './training/initial.ts';
export type { Learner, Metrics, TrainRequest, TrainResult } from './training/learner.ts';
export { batchStreamKey } from './training/learner.ts';
export { readSafetensors, writeSafetensors } from './training/safetensors.ts';
export type { TfjsLearnerOptions } from './training/tfjs-learner.ts';
export { createTfjsLearner } from './training/tfjs-learner.ts';
export type { WorkerLearnerOptions } from './training/worker-learner.ts';
export { createWorkerLearner } from './training/worker-learner.ts';

// Whole things: a simulated world, a way in for others, a node.

export type { Scenario, ScenarioFile } from '../sim/scenario/scenario.ts';
export { loadScenario, resolveScenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
export type { SimulationOptions, SimulationProgress, SimulationResult } from '../sim/simulation.ts';
export { runScenario } from '../sim/simulation.ts';
export { startBootstrap } from './daemon/bootstrap.ts';
export { startDaemon } from './daemon/daemon.ts';
export type { BootstrapOptions, DaemonOptions, RunningDaemon } from './daemon/options.ts';
export type { DaemonInfo } from './daemon/status.ts';
