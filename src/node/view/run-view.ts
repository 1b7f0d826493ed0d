/**
 * What people see of one run on one node: the terminal, the status API, metrics and the launcher of testnets all show
 * this and derive nothing of their own. It follows from the stream of events alone ([run-reducer.ts](./run-reducer.ts)), so the same events
 * give the same figures everywhere.
 */
import * as z from 'zod';
import { type PeerKey, PHASES } from '../../core/io.ts';
import { measureSchema } from '../../tasks/measure-schema.ts';
import { SHARES_OF } from '../events.ts';
import { communitySchema } from './community.ts';
import { OUTCOMES } from './outcome.ts';

const count = z.int().min(0);

/** Unknown fields are allowed, so that an older watcher can read a newer node. */
export const runViewSchema = z.object({
  runId: z.string(),
  /** This node. */
  peerKey: z.string(),
  /** searching: asks peers for the manifest; preparing: reads the data and starts the backend. */
  state: z.enum(['searching', 'preparing', 'running', 'paused', 'ended']),
  /** Why it ended where it had to; null while it goes on and where it was left. */
  failure: z.string().nullable(),
  /** When the session began, Unix time. */
  startedAtMs: z.number(),
  /** From the manifest; null before it is here. */
  run: z
    .object({
      name: z.string(),
      method: z.string(),
      /** False where the run is its log and nothing else: such a run has no model, and counts no rounds down. */
      trains: z.boolean().default(true),
      /** What `share` of `contributions` is a part of: squared norms of deltas, times in sums that hide them, rounds in which one was mixed in. */
      shareOf: z.enum(SHARES_OF).default('norm'),
      parameters: count,
      rounds: count,
      slotMs: z.number(),
      startAtMs: z.number(),
      windowRounds: count,
      /** Who signed it; left out by older nodes. */
      creator: z.string().nullable().default(null),
      /** What protects it from who takes part, in sentences; left out by older nodes. */
      protects: z.array(z.string()).default([]),
      /** Kind of `membership`: who may take part; left out by older nodes. */
      admission: z.string().nullable().default(null),
      /** It is found by a secret alone; left out by older nodes. */
      isHidden: z.boolean().default(false),
    })
    .nullable(),
  phase: z.enum(PHASES),
  /** What came of the run here; null before its end. */
  outcome: z.enum(OUTCOMES).nullable(),
  /** The same in one sentence, with what to do. */
  outcomeText: z.string().nullable(),
  /** What will not end well as things stand, and what to do. */
  notices: z.array(z.object({ id: z.string(), text: z.string() })),
  /** Round in which this session began; null before. */
  sinceRound: z.int().nullable(),
  /** The node had been in the run before this session. */
  isBack: z.boolean(),
  /** Peers of the run ever connected, in this session. */
  peersSeen: count,
  /** Round in which the first of them was connected; null before, and where that was before the start. */
  firstPeerRound: z.int().nullable().default(null),
  /** Deltas that the model is made of: since its start where peers share one, else of this session. */
  folded: z.object({ own: count, others: count }),
  /** Connected peers by whose model they hold, as last heard; null where each has its own. */
  agreement: z.object({ same: count, other: count }).nullable(),
  /** Round of the wall-clock slot; -1 before the start. */
  round: z.int(),
  /** How long the present round lasts; null before the run is running. */
  slotMs: z.number().nullable(),
  /** Highest round folded into the base, or mixed; -1 for none. */
  finalisedRound: z.int(),
  /** Final rounds that count towards `run.rounds`. */
  countedRounds: count,
  /** How far the run is, 0 to `run.rounds`: final rounds that count, and those under way as if they did. */
  roundsDone: count,
  /** SHA-256 (hex) of the finalised model, or of the current local one where models are mixed. */
  modelHash: z.string().nullable(),
  /** A place in the history for newcomers to go by, as `--checkpoint` takes it; null for none. */
  checkpoint: z.string().nullable().default(null),
  /** Entries known to exist and not held yet. */
  lag: count,
  /** Mean training loss of the last local round. */
  loss: z.number().nullable(),
  /** Fraction of right answers on the held-out examples; null before the first evaluation, and where the task has no such thing. */
  accuracy: z.number().nullable(),
  /** What the task measures in place of accuracy, the one to look at first; none where accuracy is all there is. */
  measures: z.array(measureSchema),
  /** Of the last evaluation. */
  accuracyRound: z.int().nullable(),
  /** Mean loss on the held-out examples, of the same evaluation. */
  heldOutLoss: z.number().nullable(),
  /** Connected peers of the run. */
  peers: count,
  /** Nodes that this one was told to have no connection with (`starlings node refuse`). */
  refusing: z.array(z.string()).default([]),
  members: z.object({
    /** Allowed members; null where the run is open. */
    known: count.nullable(),
    /** This node, where it is one, and all that are connected or were heard of within the last rounds. */
    here: count,
    /** Connected peers, strangers included; at most 64. */
    linked: z.array(z.string()).default([]),
    /** Others that are here, and allowed members that are not; at most 64 of each. */
    present: z.array(z.string()),
    missing: z.array(z.string()),
    /** What the manifest calls members, as far as they are spoken of here. */
    names: z.record(z.string(), z.string()),
  }),
  /** Our clock less that of the peers, in ms, by the median of what so many say; null where too few do. `claimedMs`: by the only one. */
  clock: z.object({ offsetMs: z.number().nullable(), claimedMs: z.number().nullable(), peers: count }),
  /** The node came after the run's planned end, by so much; `unmet`: and nobody of it is there. Null where it came in time. */
  pastEnd: z
    .object({
      byMs: z.number(),
      mayLastMs: z.number().nullable(),
      state: z.enum(['asking', 'unmet', 'met']),
    })
    .nullable()
    .default(null),
  /** Bytes received and sent on all connections of the node, encryption and overhead included; its runs share them. */
  bytesIn: z.number(),
  bytesOut: z.number(),
  deltasPublished: count,
  /** Bytes of bodies this node published, before gossip multiplies them. */
  announcedBytes: z.number(),
  /** Rounds trained or due and not published, by reason. */
  skipped: z.record(z.string(), count),
  /** Deltas of ours that the peers left out and that went back into the residual. */
  restored: count,
  /** Entries that are signed with this node's key and that this session did not write. */
  foreignEntries: count,
  /** How often this node was on the weaker side of a fork. */
  forks: count,
  equivocations: count,
  /** How often the training loss went far beyond the best one. */
  divergences: count,
  /** The last join from snapshots. */
  joined: z.object({ round: z.int(), donors: count }).nullable(),
  /** What was refused, by reason. */
  refused: z.record(z.string(), count),
  /** Finalised deltas per author and their share, as `run.shareOf` says: of the summed squared norm it is what moved the model, be it of use or not. */
  contributions: z.array(z.object({ peer: z.string(), deltas: count, share: z.number() })),
  /** Votes of an alliance, the board of an arena, the models of a registry; null where the run is none of these, and of older nodes. */
  community: communitySchema.nullable().default(null),
  /** Short texts of members, oldest first, and what the log has found out of them. */
  shown: z.array(
    z.object({
      kind: z.string(),
      round: z.int().nullable(),
      author: z.string().nullable(),
      text: z.string(),
      /** Left out where they are its own words. */
      isVerdict: z.literal(true).optional(),
      /** Where the author's deltas carry no weight for it, since that round. */
      silenced: z.object({ advice: z.string() }).optional(),
    }),
  ),
  /** The last finding, in this session, by which deltas of this node carry no weight; `until`: the round by whose end it was over, null while it holds. */
  silenced: z
    .object({ round: z.int().nullable(), text: z.string(), advice: z.string(), until: z.int().nullable() })
    .nullable()
    .default(null),
  /** What the content store of the node holds, and its quota; 0 where it has none. Its runs share it. */
  contentBytes: z.number(),
  contentBytesMax: z.number(),
  /** Bytes on their way to the disk, and announcements dropped because it was too far behind. */
  unsavedBytes: z.number(),
  announcementsDropped: count,
  /** What broke the core and was dropped; more than 0 is a defect of this program. */
  inputsDropped: count,
  /** Answers that the last evaluation measured. */
  heldOutExamples: count,
  /** What stands beside the accuracy of the last evaluation; null where an example has many answers, or nothing is known yet. */
  figures: z
    .object({
      /** What who always says the most frequent class is right for. */
      majority: z.number(),
      /** Area under the ROC curve, of two classes. */
      auc: z.number().nullable(),
      /** `confusion[label][predicted]`; null where there are more than 20 classes. */
      confusion: z.array(z.array(count).readonly()).readonly().nullable(),
    })
    .nullable()
    .default(null),
  /** What a twin that trains alone does on the same examples; null where nobody asked, or nothing is known yet. */
  alone: z
    .object({
      accuracy: z.number().nullable(),
      measures: z.array(measureSchema).optional(),
      loss: z.number(),
      steps: count,
    })
    .nullable(),
  backend: z.string().nullable(),
  /** Where the finished model was saved; null before. */
  modelPath: z.string().nullable(),
  /** Why the last evaluation or save failed, or why snapshots are not kept; null where all went well. */
  trouble: z.string().nullable(),
  /** A file of the run that comes from peers, while it does; `leftMs` until it is whole, at the pace so far. */
  pull: z
    .object({ name: z.string(), bytes: count, heldBytes: count, leftMs: z.number().nullable() })
    .nullable()
    .default(null),
  /** How examples are protected and what that has spent of its budgets; null where nobody asks for it. */
  privacy: z
    .object({
      clipNorm: z.number(),
      noiseMultiplier: z.number(),
      /** Probability with which an example takes part in a step. */
      rate: z.number(),
      steps: count,
      /** Of the steps those of copies of this directory. */
      assumedSteps: count,
      budgets: z.array(
        z.object({ of: z.enum(['run', 'node']), epsilon: z.number(), delta: z.number(), spent: z.number() }),
      ),
      isSpent: z.boolean(),
    })
    .nullable()
    .default(null),
});
export type RunView = z.infer<typeof runViewSchema>;

/** Finished, with its model saved and evaluated. */
export function isDone({ phase, run, modelPath, accuracyRound, finalisedRound }: RunView): boolean {
  if (run?.trains === false) return phase === 'finished';
  return phase === 'finished' && modelPath !== null && accuracyRound === finalisedRound;
}

/**
 * ` in round 7`, of the last evaluation; nothing where there was none. After the end it is of the run's last round: rounds that do not
 * count, and those of a node that came later, have higher numbers.
 */
export function whenMeasured({
  accuracyRound,
  phase,
  run,
}: Pick<RunView, 'accuracyRound' | 'phase' | 'run'>): string {
  if (accuracyRound === null) return '';
  const last = phase === 'finished' && run !== null ? run.rounds - 1 : accuracyRound;
  return ` in round ${Math.min(accuracyRound, last)}`;
}

/** What people call a peer: by the manifest, else by the beginning of its key. */
export function peerName({ members }: Pick<RunView, 'members'>, peer: PeerKey): string {
  return members.names[peer] ?? peer.slice(0, 8);
}
