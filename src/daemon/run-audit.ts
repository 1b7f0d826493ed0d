/** The trainings of a node executed again, from what it has kept, and compared with what it published. */
import { type AuditedRound, ReExecution } from '../audit/re-execute.ts';
import { StartRebuilder, TooManyStartsError } from '../audit/rebuild-starts.ts';
import { compressorKind } from '../codec/compressors/registry.ts';
import { createDeltaCodec } from '../codec/delta.ts';
import type { PeerKey, ShownEntry } from '../core/io.ts';
import { examplesOf } from '../learning/evaluation-set.ts';
import type { Learner } from '../learning/learner.ts';
import { createTfjsLearner } from '../learning/tfjs/tfjs-learner.ts';
import { ArchiveError } from '../log/archive.ts';
import { entriesOf, type Place } from '../log/log-book.ts';
import type { Kinds, LogState } from '../log/log-state.ts';
import type { DeltaLogParts } from '../methods/delta-log/log-parts.ts';
import type { TrainingRecord } from '../methods/delta-log/training-record.ts';
import { deltasOf, whyNoDeltas } from '../methods/registry.ts';
import { NodeError } from '../node/node-error.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { baseFile, trainingFile } from '../run/run-files.ts';
import { loadTaskData } from '../tasks/data/registry.ts';
import { externalFactsOf } from '../tasks/models/registry.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { allRounds, brokenDeltas, type RoundRange, trainingsOf } from './kept-trainings.ts';
import { type FileReader, readLog } from './log-archive.ts';

export interface RunAuditOptions {
  /** An id or its beginning, empty where there is one. */
  readonly run: string;
  readonly rounds: RoundRange;
  /** The examples that the node trained on. */
  readonly data: string;
  /** That it trained on. */
  readonly backend: BackendChoice;
  readonly signal?: AbortSignal | undefined;
  readonly onRound?: ((round: AuditedRound) => void) | undefined;
}

export interface RunAudit {
  readonly runId: string;
  readonly name: string;
  readonly author: PeerKey;
  /** Of the learner, in a sentence. */
  readonly backend: string;
  /** The first training began with no residual: nothing has to be taken as it was kept. */
  readonly isFromStart: boolean;
  /** In ascending order: every round of the range that was trained or in which the node published. */
  readonly rounds: readonly AuditedRound[];
  /** Whom members found out by the end of the log, and what was taken out of the model for it. */
  readonly found: readonly Pick<ShownEntry, 'author' | 'round' | 'text'>[];
}

const crypto = createCrypto();

/** `place`: the directory of a node that is not running, or an archive. @throws as `readLog`, NodeError, DataFileError, DataShapeError */
export async function auditRun(place: string, options: RunAuditOptions): Promise<RunAudit> {
  let audit: OpenAudit | null = null;
  try {
    await readLog(place, options.run, {
      signal: options.signal,
      async opened(signed, parts, fileOf) {
        refuseUnrepeatable(signed);
        if (!('rules' in parts)) {
          throw new NodeError(
            'NO_AUDIT',
            `run ${signed.runId} ${whyNoDeltas(signed.manifest.strategy)}: there is nothing to train again`,
          );
        }
        audit = await open(signed, parts, place, options, fileOf);
      },
      onStart: (state) => audit?.rebuilder.onStart(state),
      onRound: (state, places) => audit?.onRound(state, places),
      settle: async () => audit?.settle(),
    }).catch((error: unknown) => {
      if (error instanceof TooManyStartsError)
        throw new NodeError(
          'NO_AUDIT',
          `${error.message}, which is all that this machine has memory for: name fewer with --rounds`,
        );
      if (!(error instanceof ArchiveError) || !audit?.isBroken) throw error;
    });
    // Reading ends only after the log was opened.
    return await (audit as unknown as OpenAudit).finish();
  } finally {
    await (audit as OpenAudit | null)?.learner.close();
  }
}

interface OpenAuditOptions extends Pick<RunAuditOptions, 'rounds' | 'onRound'> {
  readonly signed: SignedManifest;
  readonly records: readonly TrainingRecord[];
  readonly rebuilder: StartRebuilder;
  readonly execution: ReExecution;
  readonly learner: Learner;
  readonly kinds: Kinds;
  /** What the node has stored of its own deltas and did not sign so. */
  readonly broken: ReadonlyMap<number, string>;
}

/** What there is once the log is open. */
class OpenAudit {
  readonly #options: OpenAuditOptions;
  readonly #author: PeerKey;
  readonly #kept: ReadonlySet<number>;
  readonly #found: AuditedRound[] = [];
  readonly #unkept: AuditedRound[] = [];
  /** Of the last round. */
  #state: Readonly<LogState> | null = null;

  constructor(options: OpenAuditOptions) {
    this.#options = options;
    this.#author = options.records[0]!.author;
    this.#kept = new Set(options.records.map(({ round }) => round));
  }

  get rebuilder(): StartRebuilder {
    return this.#options.rebuilder;
  }

  get learner(): Learner {
    return this.#options.learner;
  }

  /** So that the log cannot be read to its end. */
  get isBroken(): boolean {
    return this.#options.broken.size > 0;
  }

  onRound(state: Readonly<LogState>, places: readonly Place[]): void {
    this.rebuilder.onRound(state, places);
    this.#state = state;
    const { from, through } = this.#options.rounds;
    if (state.round < from || state.round > through || this.#kept.has(state.round)) return;
    const reason = 'the node has not kept what its training began with';
    for (const { id, author, kind, round } of places.flatMap(({ held }) => entriesOf(held)))
      if (author === this.#author && kind === 0)
        this.#unkept.push({ round, verdict: 'unknown', entry: id, reason });
  }

  async settle(): Promise<void> {
    for (const rebuilt of this.rebuilder.take()) this.#say(await this.#options.execution.execute(rebuilt));
  }

  async finish(): Promise<RunAudit> {
    const { signed, records, learner } = this.#options;
    this.rebuilder.onEnd();
    await this.settle();
    for (const round of this.#unkept) this.#say(round);
    return {
      ...{ runId: signed.runId, name: signed.manifest.name, author: this.#author, backend: learner.backend },
      isFromStart: records[0]!.residual.every((byte) => byte === 0),
      rounds: this.#found.sort((a, b) => a.round - b.round),
      found: this.#options.kinds.flatMap((kind, index) =>
        this.#state && kind.retracts ? kind.show(this.#state.kinds[index]) : [],
      ),
    };
  }

  #say(found: AuditedRound): void {
    const broken = this.#options.broken.get(found.round);
    const reason = `the delta that the node has stored is not the one that it signed (${broken})`;
    const round: AuditedRound = broken === undefined ? found : { ...found, verdict: 'differs', reason };
    this.#found.push(round);
    this.#options.onRound?.(round);
  }
}

async function open(
  signed: SignedManifest,
  { kinds, delta, frame, envelopes }: DeltaLogParts,
  place: string,
  { rounds, data, backend, signal, onRound }: RunAuditOptions,
  fileOf: FileReader,
): Promise<OpenAudit> {
  const { manifest, runId } = signed;
  const records = await trainingsOf(place, runId, rounds);
  const [first] = records;
  if (!first) {
    const of = rounds === allRounds ? '' : ` of rounds ${rounds.from} to ${rounds.through}`;
    throw new NodeError(
      'NOTHING_KEPT',
      `nothing is kept of what trainings${of} of run ${runId} began with: a node keeps it with ` +
        '`--retention audit`, and `starlings log export` writes it beside an archive',
    );
  }
  const { localSteps } = manifest.training;
  const long = records.find(({ steps }) => steps > localSteps);
  if (long)
    throw new ArchiveError(
      `what was kept of the training of round ${long.round} claims ${long.steps} steps, and the run asks for ${localSteps}`,
    );
  const broken = await brokenDeltas(place, { runId, author: first.author, envelopes });
  const { task, model, training, strategy } = manifest;
  const { train, heldOut } = await loadTaskData(task, model, data);
  const { codec: spec, residualDecay: decay, headStart, alliance } = deltasOf(strategy)!;
  const common = await fileOf(trainingFile);
  const learner = await createTfjsLearner({
    ...{ model, training, rounds: manifest.rounds, shares: [train], heldOut, backend },
    validationShare: alliance?.validationShare,
    frozen: await fileOf(baseFile),
    // Where members audit each other all train on it, whatever else they have.
    common: common && examplesOf(common, { model, task }),
  });
  const codec = createDeltaCodec(spec, learner.size, () => 0);
  const isByChance = compressorKind(spec).isByChance ?? false;
  const execution = { runId, codec, isByChance, decay, headStart, learner, signal };
  return new OpenAudit({
    ...{ signed, records, learner, kinds, broken, rounds, onRound },
    rebuilder: new StartRebuilder({
      runId,
      crypto,
      kinds,
      delta,
      frame,
      records,
      statesMax: statesMaxOf(kinds),
    }),
    execution: new ReExecution(execution),
  });
}

/** Half of the memory that is free may be states of the run. Guess. */
function statesMaxOf(kinds: Kinds): number {
  const bytes = kinds.reduce((sum, { stateBytesMax }) => sum + stateBytesMax, 0);
  return Math.max(1, Math.floor(process.availableMemory() / 2 / bytes));
}

/** @throws NodeError */
function refuseUnrepeatable({ manifest, runId }: SignedManifest): void {
  const refuse = (why: string): never => {
    throw new NodeError('NO_AUDIT', `run ${runId} ${why}`);
  };
  if (externalFactsOf(manifest.model) !== null)
    refuse('is trained by a program of its own, which is not here to be executed again');
  if (manifest.training.privacy !== undefined)
    refuse('protects examples by noise that is kept nowhere: no training of it can be executed again');
  if (manifest.shared !== undefined)
    refuse(
      'shares a part of its model: training began with layers that the node kept to itself, and has changed since',
    );
}
