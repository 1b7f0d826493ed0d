/** What a command to a running node is, and the node that it acts upon. */
import { stat } from 'node:fs/promises';
import { setTimeout as passed } from 'node:timers/promises';
import * as z from 'zod';
import type { ContentUsage } from '../../content/content-store.ts';
import type { KindState, PeerKey } from '../../core/io.ts';
import { aloneRounds } from '../../log/join/catch-up.ts';
import type { Traffic } from '../../network/host/traffic.ts';
import type { BlobId } from '../../platform/node/blob-file.ts';
import type { DataReport } from '../../tasks/data/data-report.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import type { BackendChoice } from '../../tensor/backend-choices.ts';
import type { Submission } from '../driver/driver.ts';
import { NodeError } from '../node-error.ts';
import type { RunView } from '../view/run-view.ts';
import { amount, span } from '../words/amount.ts';

/** In place of examples, for a run that trains nothing. */
export const noData = '';

/** Which run to take part in, and how. */
export interface JoinRequest {
  /** A manifest file, or a run id. */
  readonly run: string;
  /** The node's examples; `noData` for a run that trains nothing. */
  readonly data: string;
  readonly backend: BackendChoice;
  /** Multiaddrs of nodes to find it through, besides those that the node knows; `AddressError` where one is none. */
  readonly bootstrap?: readonly string[] | undefined;
  /** As of `LearnerRequest`; not remembered over a restart. */
  readonly compareAlone?: boolean;
  /** As of `JoinOptions`; not remembered either. */
  readonly evenIfOver?: boolean;
  /** `ROUND:ROOT:SNAPSHOT`, where the history has to begin that is taken part in. */
  readonly checkpoint?: string | undefined;
  /** Of an invitation, where the run takes who was invited. */
  readonly credential?: string | undefined;
  /** Of an invitation to a hidden run, 64 hexadecimal digits; kept in the directory, and shown nowhere. */
  readonly secret?: string | undefined;
}

export interface NodeSummary extends Traffic {
  readonly peerKey: PeerKey;
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Null where the node keeps no blobs. */
  readonly content: ContentUsage | null;
}

/** Of data and the run that it is for. */
export interface CheckedData {
  readonly runId: string;
  readonly report: DataReport;
}

/** Blobs of a run that a node keeps and hands on. */
export interface BlobKeeper {
  /** Where a blob lies, or would. */
  pathOf(root: string): string;
  /** Roots of what is whole here. */
  held(): readonly string[];
  /** Resolves when the blob is here. Rejects with the signal's reason. */
  pull(name: string, blob: BlobId, signal: AbortSignal): Promise<void>;
  /** Keeps a copy of a file. @throws system errors */
  offer(path: string): Promise<BlobId>;
  drop(root: string): Promise<void>;
}

/** The node that commands act upon, with the place where it remembers its runs. */
export interface NodeControl {
  summary(): NodeSummary;
  /** Of all runs, in order of joining. */
  views(): readonly RunView[];
  /** Resolves when the run is running, or is being looked for with nobody to ask yet. @throws one error with a sentence */
  join(request: JoinRequest): Promise<RunView>;
  /**
   * Resolves when the run is taken down and forgotten: to whether it comes back with the next start, because the node is
   * started with it. @throws NodeError NOT_JOINED
   */
  leave(runId: string): Promise<boolean>;
  /** What a node of the run would understand of data, and refuse; nothing is joined. @throws one error with a sentence */
  check(run: string, data: string): Promise<CheckedData>;
  /**
   * Resolves when the run is taken down; it is remembered, and shown as it stood. Resolves to whether it goes on with the next start, as
   * `leave`. @throws NodeError NOT_JOINED, NOT_RUNNING
   */
  pause(runId: string): Promise<boolean>;
  /** Of what was paused. Resolves as `join`. @throws as it; NodeError NOT_PAUSED */
  resume(runId: string): Promise<RunView>;
  /** Of the model as of now, on the held-out examples. @throws NodeError */
  evaluate(runId: string): Promise<Metrics>;
  /** Writes an entry of a kind into the log of a run; resolves to its id, or to why it was refused. @throws NodeError */
  write(runId: string, kind: string, text: string): Promise<Submission>;
  /** What a kind of entry comes to in a run that keeps a log; null for no such kind. @throws NodeError */
  stateOf(runId: string, kind: string): KindState | null;
  /** What is published in it, as files. @throws NodeError */
  blobs(runId: string): BlobKeeper;
  /** Has no connection with these any more, in place of those named before; until the node stops. */
  refuse(peers: readonly PeerKey[]): void;
  /** What entitles a key to take part in a run that takes who was invited: hexadecimal digits. @throws NodeError */
  invite(runId: string, key: PeerKey): Promise<string>;
  /** Begins to stop the node. */
  stop(): void;
}

/** What came of a command: for programs, and line by line for people. */
export interface NodeCommandResult {
  readonly json: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

/** Of a field that may name a file: whether its text is a path in any case. `meta({ path })` says so. */
export type PathField = 'always' | 'if it exists';

/** A field that names a file, or a folder. */
export const path = z
  .string()
  .min(1)
  .max(4096)
  .meta({ path: 'always' satisfies PathField });

export interface NodeCommand {
  /** One word. */
  readonly id: string;
  readonly summary: string;
  /** Each field becomes an option of the command line. */
  readonly input: z.ZodObject;
  /** Whether it changes anything, or has the node work: what an agent does only where it was allowed to. */
  readonly acts: boolean;
  perform(control: NodeControl, input: unknown): Promise<NodeCommandResult>;
}

export function command<S extends z.ZodObject>(
  id: string,
  summary: string,
  input: S,
  act: (control: NodeControl, input: z.infer<S>) => Promise<NodeCommandResult>,
): NodeCommand {
  return { id, summary, input, acts: true, perform: (control, given) => act(control, input.parse(given)) };
}

export function reading(entry: NodeCommand): NodeCommand {
  return { ...entry, acts: false };
}

/** Which run of a node. */
export const run = z
  .string()
  .min(1)
  .max(128)
  .optional()
  .describe('run id, its beginning, or the name of the run; may be left out where the node has one run');

/** The one run that `text` names, or the only one. @throws NodeError where there is none, or more than one */
export function viewOf(control: NodeControl, text: string | undefined): RunView {
  const views = control.views();
  if (text === undefined) {
    if (views.length === 1) return views[0]!;
    throw new NodeError(
      views.length === 0 ? 'NOT_JOINED' : 'RUN_NOT_NAMED',
      views.length === 0
        ? 'this node has no runs'
        : `this node has ${views.length} runs: say which with --run: ${views.map(nameOf).join(', ')}`,
    );
  }
  const exact = views.find(({ runId }) => runId === text);
  if (exact) return exact;
  const found = views.filter(({ runId, run: facts }) => runId.startsWith(text) || facts?.name === text);
  if (found.length === 1) return found[0]!;
  const here = views.length === 0 ? 'it has none' : `it has ${views.map(nameOf).join(', ')}`;
  throw new NodeError(
    'NOT_JOINED',
    found.length === 0
      ? `this node takes no part in a run ${text}; ${here}`
      : `${text} names ${found.length} runs of this node; give more of the run id`,
  );
}

/** Entries are on their way for so long in a log that is whole but for them. Guess. */
const wholeWithinMs = 5000;
/** Who has just come meets somebody within so long, and hears what there is; or is alone. It takes 2 s; guess for a busy machine. */
const firstWordMs = 8000;
const lookEveryMs = 50;

/**
 * Resolves when this node knows of no entry of the log that it has not, and has had the time to hear of some. @throws NodeError where it
 * still lacks some after a while
 */
export async function wholeLog(control: NodeControl, runId: string): Promise<void> {
  const endMs = performance.now() + wholeWithinMs;
  for (;;) {
    const view = viewOf(control, runId);
    const why = missingOf(view);
    if (why === null && !isUninformed(view, Date.now())) return;
    if (why !== null && performance.now() >= endMs) {
      throw new NodeError(
        'LOG_INCOMPLETE',
        `${why}, and what is missing may say otherwise: ask again in a moment, when peers are here that have it`,
      );
    }
    await passed(lookEveryMs);
  }
}

/** It has just come, and nobody has said yet what is in the log. */
function isUninformed({ state, startedAtMs, agreement }: RunView, nowMs: number): boolean {
  const { same, other } = agreement ?? { same: 0, other: 0 };
  return state === 'running' && same + other === 0 && nowMs < startedAtMs + firstWordMs;
}

/** Null where all of the log is here, as far as is known. */
function missingOf({ runId, phase, lag, peers, slotMs, run: facts }: RunView): string | null {
  if (phase === 'joining' && peers === 0) {
    const alone = span(aloneRounds * (slotMs ?? facts?.slotMs ?? 0));
    return `no peer is here who could say what was written into run ${runId} while this node was away (alone it goes on within ${aloneRounds} rounds, ${alone})`;
  }
  if (phase === 'joining') return `this node is still fetching the log of run ${runId}`;
  if (lag === 0) return null;
  return `this node lacks ${amount(lag, 'entry', 'entries')} of the log of run ${runId}`;
}

/** `mnist-mlp (bafyrei...)` */
export function nameOf({ runId, run: facts }: RunView): string {
  return facts === null ? runId : `${facts.name} (${runId})`;
}

/** Bytes of a file that the node is told of. @throws NodeError where it is none that the node can read */
export async function sizeOfFile(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error) && found.isFile() && found.size > 0) return found.size;
  const why = !(found instanceof Error)
    ? found.isFile()
      ? 'is empty'
      : 'is no file'
    : found.code === 'ENOENT'
      ? 'does not exist'
      : `cannot be read (${found.code})`;
  throw new NodeError('NO_FILE', `${file} ${why}; check the path, on the machine of the node`);
}

/** What is written into the log of a run. */
interface Writing {
  readonly runId: string;
  /** Id of its kind. */
  readonly kind: string;
  readonly text: string;
  /** Before the reason, where it is refused. */
  readonly refusal: string;
}

/** @throws NodeError where the node refuses it */
export async function written(
  control: NodeControl,
  { runId, kind, text, refusal }: Writing,
): Promise<Published> {
  return published(await control.write(runId, kind, text), refusal);
}

/** Keeps a copy of a file for the members of a run, and writes of it; lets go of it where that is refused. @throws NodeError, system errors */
export async function writtenWithFile(
  control: NodeControl,
  file: string,
  { runId, kind, textOf, refusal }: Omit<Writing, 'text'> & { textOf(blob: BlobId): string },
): Promise<Published & { readonly blob: BlobId }> {
  const blobs = control.blobs(runId);
  const wasHeld = new Set(blobs.held());
  await sizeOfFile(file);
  const blob = await blobs.offer(file);
  const result = await control.write(runId, kind, textOf(blob));
  if ('refused' in result && !wasHeld.has(blob.root)) await blobs.drop(blob.root);
  return { ...published(result, refusal), blob };
}

type Published = Exclude<Submission, { readonly refused: string }>;

function published(result: Submission, refusal: string): Published {
  if ('refused' in result) throw new NodeError('NOT_PUBLISHED', `${refusal}: ${result.refused}`);
  return result;
}
