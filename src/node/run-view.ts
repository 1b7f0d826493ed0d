/**
 * What people see of one run on one node: the terminal, the status API, metrics and the launcher of testnets all show
 * this and derive nothing of their own. It follows from the stream of events alone (`RunReducer`), so the same events
 * give the same figures everywhere.
 */
import * as z from 'zod';
import { type PeerKey, PHASES, type ProtocolEvent, REFUSAL_REASONS } from '../core/io.ts';
import type { NetworkEvent } from '../network/events.ts';
import { unknownOffset } from './clock-offset.ts';
import type { RunEvent, RunFacts, RunSample, SessionEvent } from './events.ts';
import { noticesOf, OUTCOMES, outcomeOf, outcomeText, type Tally } from './outcome.ts';
import { Roster, shownMax } from './roster.ts';

const count = z.int().min(0);

/** Unknown fields are allowed, so that an older watcher can read a newer node. */
export const runViewSchema = z.object({
  runId: z.string(),
  /** This node. */
  peerKey: z.string(),
  /** searching: asks peers for the manifest; preparing: reads the data and starts the backend. */
  state: z.enum(['searching', 'preparing', 'running', 'ended']),
  /** Why it ended where it had to; null while it goes on and where it was left. */
  failure: z.string().nullable(),
  /** When the session began, Unix time. */
  startedAtMs: z.number(),
  /** From the manifest; null before it is here. */
  run: z
    .object({
      name: z.string(),
      method: z.string(),
      parameters: count,
      rounds: count,
      slotMs: z.number(),
      startAtMs: z.number(),
      windowRounds: count,
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
  /** Entries known to exist and not held yet. */
  lag: count,
  /** Mean training loss of the last local round. */
  loss: z.number().nullable(),
  /** Fraction of right answers on the held-out examples, as of `accuracyRound`. */
  accuracy: z.number().nullable(),
  accuracyRound: z.int().nullable(),
  /** Mean loss on the held-out examples, of the same evaluation. */
  heldOutLoss: z.number().nullable(),
  /** Connected peers of the run. */
  peers: count,
  members: z.object({
    /** Allowed members; null where the run is open. */
    known: count.nullable(),
    /** This node, where it is one, and all that are connected or were heard of within the last rounds. */
    here: count,
    /** Others that are here, and allowed members that are not; at most 64 of each. */
    present: z.array(z.string()),
    missing: z.array(z.string()),
    /** What the manifest calls members, as far as they are spoken of here. */
    names: z.record(z.string(), z.string()),
  }),
  /** Our clock less that of the peers, in ms, by the median of what so many say; null where too few do. `claimedMs`: by the only one. */
  clock: z.object({ offsetMs: z.number().nullable(), claimedMs: z.number().nullable(), peers: count }),
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
  /** Finalised deltas per author and their share of the summed squared norm. */
  contributions: z.array(z.object({ peer: z.string(), deltas: count, share: z.number() })),
  /** Short texts of members, oldest first. */
  shown: z.array(
    z.object({ kind: z.string(), round: z.int().nullable(), author: z.string(), text: z.string() }),
  ),
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
  /** What a twin that trains alone does on the same examples; null where nobody asked, or nothing is known yet. */
  alone: z.object({ accuracy: z.number(), loss: z.number(), steps: count }).nullable(),
  backend: z.string().nullable(),
  /** Where the finished model was saved; null before. */
  modelPath: z.string().nullable(),
  /** Why the last evaluation or save failed, or why snapshots are not kept; null where all went well. */
  trouble: z.string().nullable(),
});
export type RunView = z.infer<typeof runViewSchema>;

/** Reasons counted apart; more are counted as `other`. */
const reasonsMax = 32;

/** Follows from the other fields. */
type Derived =
  | 'peers'
  | 'peersSeen'
  | 'members'
  | 'roundsDone'
  | 'folded'
  | 'outcome'
  | 'outcomeText'
  | 'notices';

/** One handler for each kind: a new kind does not compile until it has one. */
type Handlers<E extends { readonly kind: string }> = {
  readonly [K in E['kind']]: (event: Extract<E, { readonly kind: K }>) => void;
};

/** The view of one session. Pure: what it shows depends on the events applied and on nothing else. */
export class RunReducer {
  #view: Omit<RunView, Derived>;
  readonly #roster: Roster;
  /** Newest round of a delta of ours. */
  #published = -1;

  constructor(runId: string, self: PeerKey, startedAtMs: number) {
    this.#roster = new Roster(self);
    this.#view = {
      runId,
      peerKey: self,
      state: 'preparing',
      failure: null,
      startedAtMs,
      run: null,
      phase: 'waiting',
      sinceRound: null,
      isBack: false,
      agreement: null,
      round: -1,
      slotMs: null,
      finalisedRound: -1,
      countedRounds: 0,
      modelHash: null,
      lag: 0,
      loss: null,
      accuracy: null,
      accuracyRound: null,
      heldOutLoss: null,
      clock: unknownOffset,
      bytesIn: 0,
      bytesOut: 0,
      deltasPublished: 0,
      announcedBytes: 0,
      skipped: {},
      restored: 0,
      foreignEntries: 0,
      forks: 0,
      equivocations: 0,
      divergences: 0,
      joined: null,
      refused: Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0])),
      contributions: [],
      shown: [],
      contentBytes: 0,
      contentBytesMax: 0,
      unsavedBytes: 0,
      announcementsDropped: 0,
      inputsDropped: 0,
      heldOutExamples: 0,
      alone: null,
      backend: null,
      modelPath: null,
      trouble: null,
    };
  }

  apply(event: RunEvent): void {
    switch (event.source) {
      case 'protocol':
        dispatch(this.#protocol, event.event);
        break;
      case 'network':
        dispatch(this.#network, event.event);
        break;
      case 'session':
        dispatch(this.#session, event.event);
        break;
      default:
        event satisfies never;
    }
  }

  /** A value of its own: later events do not change it. */
  view(): RunView {
    const { peers, peersSeen, isMember } = this.#roster;
    const folded = foldedOf(this.#view);
    const tally = tallyOf({ ...this.#view, folded, peers, peersSeen, isMember });
    const outcome = outcomeOf(tally);
    return {
      ...this.#view,
      roundsDone: roundsDoneOf(this.#view),
      folded,
      outcome,
      outcomeText: outcome && outcomeText(outcome, tally),
      notices: noticesOf(tally),
      peers,
      peersSeen,
      members: this.#roster.members(this.#view.round, spokenOf(this.#view)),
    };
  }

  readonly #protocol: Handlers<ProtocolEvent> = {
    phase: ({ phase }) => this.#change({ phase }),
    'round-started': ({ round }) => this.#change({ round: Math.max(round, this.#view.round) }),
    published: ({ round, bodyBytes, loss }) => {
      this.#published = Math.max(this.#published, round);
      this.#change({
        deltasPublished: this.#view.deltasPublished + 1,
        announcedBytes: this.#view.announcedBytes + bodyBytes,
        loss,
      });
    },
    skipped: ({ reason }) => this.#change({ skipped: counted(this.#view.skipped, reason) }),
    accepted: ({ author, round }) => {
      this.#roster.note(author, { round });
      // What this node said in a life of which it remembers nothing is of rounds before this one.
      const since = this.#view.sinceRound;
      const isNew = since !== null && round > Math.max(since + 1, this.#published);
      if (author === this.#view.peerKey && isNew) this.#noteForeign();
    },
    refused: ({ reason }) => this.#change({ refused: counted(this.#view.refused, reason) }),
    finalised: ({ round }) => this.#change({ finalisedRound: round }),
    passed: ({ through }) => this.#change({ finalisedRound: through }),
    restored: () => this.#change({ restored: this.#view.restored + 1 }),
    equivocation: ({ author }) => {
      this.#change({ equivocations: this.#view.equivocations + 1 });
      if (author === this.#view.peerKey) this.#noteForeign();
    },
    fork: () => this.#change({ forks: this.#view.forks + 1 }),
    joined: ({ round, donors }) => this.#change({ joined: { round, donors } }),
    diverging: () => this.#change({ divergences: this.#view.divergences + 1 }),
  };

  readonly #network: Handlers<NetworkEvent> = {
    'peer-up': ({ peer }) => this.#roster.note(peer, { linked: true }),
    'peer-down': ({ peer }) => this.#roster.note(peer, { linked: false }),
    'bootstrap-answered': () => {},
    'no-bootstrap-answers': () => {},
    provided: () => {},
    'provide-failed': () => {},
    'providers-found': () => {},
    'find-failed': () => {},
    'dial-failed': () => {},
    'link-closed': () => {},
    'announced-to-nobody': () => {},
    'request-served': () => {},
    'request-refused': () => {},
    untold: () => {},
  };

  readonly #session: Handlers<SessionEvent> = {
    searching: () => this.#change({ state: 'searching' }),
    'manifest-refused': ({ reason }) => this.#change({ trouble: reason }),
    'file-wanted': ({ name, bytes }) =>
      this.#change({ trouble: `peers are asked for the file ${name} of the run (${bytes} bytes)` }),
    'file-refused': ({ reason }) => this.#change({ trouble: reason }),
    'file-complete': () => this.#change({ trouble: null }),
    opened: ({ facts }) => this.#open(facts),
    prepared: ({ backend }) => this.#change({ backend }),
    running: ({ round, isBack }) => this.#change({ state: 'running', sinceRound: round, isBack }),
    sampled: ({ sample: { core, linked, ...rest } }) => {
      this.#roster.setLinked(linked);
      const { phase, round, slotMs, finalisedRound, countedRounds, modelHash, lag, lastLoss } = core;
      const { refused, contributions, shown } = core;
      this.#change({
        agreement: this.#agreementAfter(core),
        ...{ phase, round, slotMs, finalisedRound, countedRounds, modelHash, lag, loss: lastLoss },
        ...{ refused: { ...refused }, contributions: [...contributions], shown: [...shown] },
        ...rest,
      });
    },
    evaluated: ({ round, accuracy, loss, examples, alone = null }) =>
      this.#change({
        ...{ accuracy, accuracyRound: round, heldOutLoss: loss, heldOutExamples: examples },
        ...{ alone, trouble: null },
      }),
    'evaluation-failed': ({ reason }) => this.#change({ trouble: reason }),
    saved: ({ path }) => this.#change({ modelPath: path, trouble: null }),
    'save-failed': ({ reason }) => this.#change({ trouble: reason }),
    'snapshot-not-kept': ({ reason }) => this.#change({ trouble: reason }),
    'input-dropped': () => this.#change({ inputsDropped: this.#view.inputsDropped + 1 }),
    ended: ({ failure }) => {
      this.#roster.setLinked([]);
      this.#change({ state: 'ended', failure });
    },
  };

  /** Who agreed at the end and has gone since has not changed its mind. */
  #agreementAfter({ phase, agreement }: RunSample['core']): RunView['agreement'] {
    const hasGone = agreement !== null && agreement.same + agreement.other === 0;
    return phase === 'finished' && hasGone ? (this.#view.agreement ?? agreement) : agreement;
  }

  #noteForeign(): void {
    this.#change({ foreignEntries: this.#view.foreignEntries + 1 });
  }

  #change(fields: Partial<RunView>): void {
    this.#view = { ...this.#view, ...fields };
  }

  #open({ members, names, ...run }: RunFacts): void {
    this.#roster.name(members, names);
    this.#change({ state: 'preparing', run, trouble: null });
  }
}

/** Peers that a view speaks of besides those that are here or missing. */
function spokenOf({ contributions, shown }: Omit<RunView, Derived>): PeerKey[] {
  const authors = contributions.slice(0, shownMax).map(({ peer }) => peer);
  return [...authors, ...shown.slice(0, shownMax).map(({ author }) => author)];
}

/** Finished, with its model saved and evaluated. */
export function isDone({ phase, modelPath, accuracyRound, finalisedRound }: RunView): boolean {
  return phase === 'finished' && modelPath !== null && accuracyRound === finalisedRound;
}

/** What people call a peer: by the manifest, else by the beginning of its key. */
export function peerName({ members }: Pick<RunView, 'members'>, peer: PeerKey): string {
  return members.names[peer] ?? peer.slice(0, 8);
}

function dispatch<E extends { readonly kind: string }>(handlers: Handlers<E>, event: E): void {
  // The handler of a kind takes the events of that kind, which the compiler cannot see through the lookup.
  (handlers[event.kind as E['kind']] as unknown as (event: E) => void)(event);
}

function roundsDoneOf({
  phase,
  round,
  finalisedRound,
  countedRounds,
  run,
}: Pick<RunView, 'phase' | 'round' | 'finalisedRound' | 'countedRounds' | 'run'>): number {
  const open = phase === 'finished' ? 0 : Math.max(0, round - finalisedRound - 1);
  return Math.min(countedRounds + open, run?.rounds ?? 0);
}

/** A log counts everybody's; where models are mixed, what came is counted by who sent it. */
function foldedOf({
  agreement,
  contributions,
  deltasPublished,
  peerKey,
}: Omit<RunView, Derived>): RunView['folded'] {
  const deltas = (isOwn: boolean): number =>
    contributions.reduce((sum, one) => sum + ((one.peer === peerKey) === isOwn ? one.deltas : 0), 0);
  return { own: agreement === null ? deltasPublished : deltas(true), others: deltas(false) };
}

function tallyOf(
  view: Omit<RunView, Derived> & Pick<RunView, 'folded' | 'peers' | 'peersSeen'> & Pick<Tally, 'isMember'>,
): Tally {
  const { rounds = 0, windowRounds = 0 } = view.run ?? {};
  const slotMs = view.slotMs ?? view.run?.slotMs ?? 0;
  return { ...view, isFinished: view.phase === 'finished', rounds, windowRounds, slotMs };
}

function counted(counts: Readonly<Record<string, number>>, reason: string): Record<string, number> {
  const key = reason in counts || Object.keys(counts).length < reasonsMax ? reason : 'other';
  return { ...counts, [key]: (counts[key] ?? 0) + 1 };
}
