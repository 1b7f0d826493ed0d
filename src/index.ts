/**
 * The library: what a program of its own needs to describe a run, take part in it, drive its state machine over
 * other ports, or simulate it. The only file that re-exports; everything not named here may change at any time.
 */

// Describing a run.

export { ConfigError } from './config/config-error.ts';
export { loadRunSpec } from './config/run-file.ts';
export { createRun, readManifestFile, writeManifestFile } from './node/files/manifest-file.ts';
export type { RunManifest, SignedManifest } from './run/manifest.ts';
export {
  ManifestError,
  manifestBytesMax,
  modelSize,
  openManifest,
  signManifest,
} from './run/manifest.ts';
export type { RunSpec, TrainingSpec } from './run/run-spec.ts';
export { impossibleCombination, runSpecSchema } from './run/run-spec.ts';
export type { TaskSpec } from './tasks/data/registry.ts';
export { modelLayout, parameterCount } from './tasks/models/model-layout.ts';
export type { TensorLayout } from './tasks/models/parts/layout-builder.ts';
export type { ModelSpec } from './tasks/models/registry.ts';

// The state machine of a run, what goes in and what comes out.

export type { Crypto, Signer } from './core/crypto.ts';
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
} from './core/io.ts';
export { REFUSAL_REASONS } from './core/io.ts';
export type { Membership } from './core/membership.ts';
export type { RunFrame } from './core/run-frame.ts';
export type { CoreDependencies } from './methods/core-dependencies.ts';
export type { TrainedRun } from './methods/create-core.ts';
export { createCore, requestBytesMax } from './methods/create-core.ts';
export type { MethodSpec } from './methods/registry.ts';
export { methods } from './methods/registry.ts';

// A node: one host and one store, runs that come and go, one stream of events and one view of each run.

export type { ContentStore, ContentUsage } from './content/content-store.ts';
export { ContentError } from './content/content-store.ts';
export {
  type Clock,
  type RequestOptions,
  RequestRefusedError,
  type Store,
  StoreError,
  type Transport,
  type TransportHandlers,
} from './core/ports.ts';
export type { Retention } from './log/retention.ts';
export type { Identity } from './network/identity.ts';
export { identityFromSeed, loadIdentity } from './network/identity.ts';
export type { HostProfile } from './network/profiles/host-profile.ts';
export type { TcpAddresses } from './network/profiles/tcp.ts';
export { tcpProfile } from './network/profiles/tcp.ts';
export type { JoinRequest } from './node/commands/node-command.ts';
export type { NodeListener, NodeOptions, StarlingsNode } from './node/create-node.ts';
export { createNode } from './node/create-node.ts';
export type { Submission } from './node/driver/driver.ts';
export type { KeptSnapshotsOptions } from './node/driver/kept-snapshots.ts';
export { KeptSnapshots } from './node/driver/kept-snapshots.ts';
export type { NodeEvent, RunEvent, RunFacts, RunSample, SessionEvent } from './node/events.ts';
export type { LearnerFactory, LearnerRequest } from './node/learners.ts';
export { createWarmLearner, trainerLearners } from './node/learners.ts';
export type { NodeLimits } from './node/limits.ts';
export { NodeError } from './node/node-error.ts';
export type { RunSession } from './node/run-session.ts';
export type { JoinOptions } from './node/session-parts.ts';
export { RunReducer } from './node/view/run-reducer.ts';
export type { RunView } from './node/view/run-view.ts';
export { runViewSchema } from './node/view/run-view.ts';
export type { ContentFilesOptions } from './platform/node/content-files.ts';
export { openContentFiles } from './platform/node/content-files.ts';
export { createCrypto, createSigner } from './platform/node/crypto.ts';
export { openLevelStore } from './platform/node/level-store.ts';
export { wallClock } from './platform/node/wall-clock.ts';

// The log of a run: what people write into it, and archives that anyone can fold again.

export type { ArchiveSummary } from './daemon/log-archive.ts';
export { exportLog, verifyLog } from './daemon/log-archive.ts';
export type { EntryKindDescriptor } from './entries/entry-kind-descriptor.ts';
export { encodeNote } from './entries/note/note-kind.ts';
export type { EntryKindSpec } from './entries/registry.ts';
export type { EntryKind, FinalRound, LogEntry, RoundSummary } from './log/entry-kind.ts';

// Deltas and their bytes, and the random streams that everyone draws alike.

export type { WeightedDelta } from './codec/accumulate.ts';
export { accumulate, accumulateMeans } from './codec/accumulate.ts';
export type { DeltaCodec, SparseDelta } from './codec/delta-codec.ts';
export { CodecError } from './codec/delta-codec.ts';
export { UNIT_BITS } from './codec/scale.ts';
export { addDecoded, squaredNorm, subtractDecoded } from './codec/sparse-delta.ts';
export type { SparseSignOptions } from './codec/sparse-sign-codec.ts';
export { sparseSignCodec } from './codec/sparse-sign-codec.ts';
export { philox4x32 } from './math/philox.ts';
export { Rng, rngFor } from './math/rng.ts';

// Methods on plain vectors, to check a figure or to build one's own: docs/METHODS.md.

export type { Compressor } from './codec/compressor.ts';
export type { CompressorInput, CompressorSpec } from './codec/compressors/registry.ts';
export {
  compressors,
  createCompressor,
  createContraction,
} from './codec/compressors/registry.ts';
export { Ef21, ErrorFeedback, ef21StepRatio } from './codec/error-feedback.ts';
export { indexInformation } from './codec/index-coding.ts';
export { riceParameter } from './codec/rice.ts';
export { dishonestPulls, hypergeometricTail } from './math/hypergeometric.ts';
export type { Vector } from './math/vector.ts';
export type { Aggregation, Aggregator } from './methods/aggregators/aggregator.ts';
export { AggregationError } from './methods/aggregators/aggregator.ts';
export { geometricMedian } from './methods/aggregators/geometric-median.ts';
export type { AggregatorInput, AggregatorSpec } from './methods/aggregators/registry.ts';
export { aggregators, createAggregator } from './methods/aggregators/registry.ts';
export type { Attack, AttackInput, Honest } from './methods/attacks/attack.ts';
export { dissensusTo } from './methods/attacks/dissensus.ts';
export { dormant } from './methods/attacks/dormant.ts';
export { flipLabels } from './methods/attacks/label-flip.ts';
export type { AttackInputSpec, AttackSpec } from './methods/attacks/registry.ts';
export { attacks, createAttack } from './methods/attacks/registry.ts';
export type { MixingMethodInput, MixingPeerOptions } from './methods/mixing/create-mixing-peer.ts';
export { createMixingPeer } from './methods/mixing/create-mixing-peer.ts';
export type { Hood, MixingPeer, Packed, Parcel, Received } from './methods/mixing/mixing-peer.ts';
export type { NetworkStep } from './methods/mixing/step-network.ts';
export { hoodsOf, stepNetwork } from './methods/mixing/step-network.ts';
export type { Transfer } from './methods/sgp/push-sum-ledger.ts';
export { PushSumLedger } from './methods/sgp/push-sum-ledger.ts';
export type { TopologyInput, TopologySpec } from './methods/topologies/registry.ts';
export { createTopology, topologies } from './methods/topologies/registry.ts';
export { consensusDistance, secondEigenvalue, spectralNorm } from './methods/topologies/spectrum.ts';
export type { MixingRow, Topology } from './methods/topologies/topology.ts';
export {
  columnOf,
  denseMatrix,
  meansOfGroups,
  mixOnce,
  TopologyError,
  weighted,
} from './methods/topologies/topology.ts';
export { SpecError } from './registry/registry.ts';

// Data and training.

export { initialVector, vectorHash } from './learning/initial.ts';
export type { Learner, TrainRequest, TrainResult } from './learning/learner.ts';
export { batchStreamKey } from './learning/learner.ts';
export { readSafetensors, writeSafetensors } from './learning/model-files/safetensors.ts';
export type { TrainerCommand } from './learning/process/trainer-process.ts';
export type { TfjsLearnerOptions } from './learning/tfjs/tfjs-learner.ts';
export { createTfjsLearner } from './learning/tfjs/tfjs-learner.ts';
export { createThreadLearner } from './learning/thread/learner-proxy.ts';
export type { ThreadLearnerOptions } from './learning/thread/thread-messages.ts';
export { mnistFolder } from './tasks/data/idx-images/mnist-folder.ts';
export { loadTaskData } from './tasks/data/registry.ts';
export { ByteText } from './tasks/datasets/byte-text.ts';
export type { Batch, Dataset, TaskData } from './tasks/datasets/dataset.ts';
export { LabelledRows } from './tasks/datasets/labelled-rows.ts';
export type { Metrics } from './tasks/metrics.ts';
export type { BackendChoice } from './tensor/backend-choices.ts';

// Whole things: a simulated world, a way in for others, a node.

export type { Scenario, ScenarioFile } from '../sim/scenario/scenario.ts';
export { loadScenario, resolveScenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
export type { SimulationOptions, SimulationProgress, SimulationResult } from '../sim/simulation.ts';
export { runScenario } from '../sim/simulation.ts';
export { startBootstrap } from './daemon/bootstrap.ts';
export { startDaemon } from './daemon/daemon.ts';
export type { DaemonInfo } from './daemon/daemon-info.ts';
export type { BootstrapOptions, DaemonOptions, RunningDaemon } from './daemon/options.ts';
