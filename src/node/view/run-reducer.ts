/** From the stream of a session's events to what people see of it. */
import { type PeerKey, type ProtocolEvent, REFUSAL_REASONS } from '../../core/io.ts';
import type { NetworkEvent } from '../../network/events.ts';
import { unknownOffset } from '../clock/clock-offset.ts';
import type { RunEvent, RunFacts, RunSample, SessionEvent } from '../events.ts';
import { authorsIn } from './community.ts';
import { noticesOf } from './notices.ts';
import { outcomeOf, outcomeText, type Tally } from './outcome.ts';
import { Roster, shownMax } from './roster.ts';
import type { RunView } from './run-view.ts';

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
      firstPeerRound: null,
      agreement: null,
      refusing: [],
      round: -1,
      slotMs: null,
      finalisedRound: -1,
      countedRounds: 0,
      modelHash: null,
      checkpoint: null,
      lag: 0,
      loss: null,
      accuracy: null,
      measures: [],
      accuracyRound: null,
      heldOutLoss: null,
      clock: unknownOffset,
      pastEnd: null,
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
      community: null,
      shown: [],
      silenced: null,
      contentBytes: 0,
      contentBytesMax: 0,
      unsavedBytes: 0,
      announcementsDropped: 0,
      inputsDropped: 0,
      heldOutExamples: 0,
      figures: null,
      alone: null,
      backend: null,
      modelPath: null,
      trouble: null,
      pull: null,
      privacy: null,
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
    const { phase, round, finalisedRound } = this.#view;
    return {
      ...this.#view,
      // The clock goes on after the end; the run does not.
      round: phase === 'finished' ? Math.min(round, finalisedRound) : round,
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
    weighed: () => {},
    'checkpoint-missing': () => {},
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
    'peer-up': ({ peer }) => {
      this.#roster.note(peer, { linked: true });
      this.#noteFirstPeer();
    },
    'peer-down': ({ peer }) => this.#roster.note(peer, { linked: false }),
    'bootstrap-answered': () => {},
    'no-bootstrap-answers': () => {},
    'bootstraps-have-our-key': () => {},
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
    working: () => {},
    'file-pulled': ({ kind: _, ...pull }) => this.#change({ pull, trouble: null }),
    'file-complete': () => this.#change({ pull: null, trouble: null }),
    opened: ({ facts }) => this.#open(facts),
    prepared: ({ backend }) => this.#change({ backend }),
    running: ({ round, isBack }) => this.#change({ state: 'running', sinceRound: round, isBack }),
    sampled: ({ sample: { core, linked, refusing, community = null, ...rest } }) => {
      this.#roster.setLinked(linked);
      this.#noteFirstPeer();
      const { phase, round, slotMs, finalisedRound, countedRounds, modelHash, lag, lastTrained } = core;
      const { refused, contributions, shown, checkpoint } = core;
      this.#change({
        agreement: this.#agreementAfter(core),
        ...{
          phase,
          round,
          slotMs,
          finalisedRound,
          countedRounds,
          modelHash,
          lag,
          loss: lastTrained?.loss ?? null,
        },
        ...{ checkpoint, refused: { ...refused }, contributions: [...contributions], shown: [...shown] },
        silenced: this.#silencedAfter(core),
        refusing: [...refusing],
        community,
        ...rest,
      });
    },
    evaluated: ({ round, accuracy, measures = [], loss, examples, figures = null, alone = null }) =>
      this.#change({
        ...{
          accuracy,
          measures: [...measures],
          accuracyRound: round,
          heldOutLoss: loss,
          heldOutExamples: examples,
        },
        ...{ figures, alone: alone && { ...alone, measures: [...(alone.measures ?? [])] }, trouble: null },
      }),
    privacy: ({ state: { budgets, ...rest } }) =>
      this.#change({ privacy: { ...rest, budgets: budgets.map((budget) => ({ ...budget })) } }),
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

  /** What was found of this node stays known once it is over: its deltas of that time are missing from the model. */
  #silencedAfter({ shown, finalisedRound }: RunSample['core']): RunView['silenced'] {
    const { peerKey, silenced: before } = this.#view;
    const found = shown.find(({ author, silenced }) => author === peerKey && silenced);
    if (found?.silenced) {
      const { round, text } = found;
      return { round, text, advice: found.silenced.advice, until: null };
    }
    return before && { ...before, until: before.until ?? finalisedRound };
  }

  #noteFirstPeer(): void {
    const { firstPeerRound, round } = this.#view;
    if (firstPeerRound === null && round >= 0 && this.#roster.peers > 0)
      this.#change({ firstPeerRound: round });
  }

  #noteForeign(): void {
    this.#change({ foreignEntries: this.#view.foreignEntries + 1 });
  }

  #change(fields: Partial<RunView>): void {
    this.#view = { ...this.#view, ...fields };
  }

  #open({ members, names, protects, ...run }: RunFacts): void {
    this.#roster.name(members, names);
    this.#change({ state: 'preparing', run: { ...run, protects: [...protects] }, trouble: null });
  }
}

/** Peers that a view speaks of besides those that are here or missing. */
function spokenOf({ contributions, shown, community }: Omit<RunView, Derived>): PeerKey[] {
  const authors = contributions.slice(0, shownMax).map(({ peer }) => peer);
  const inShown = shown.slice(0, shownMax).flatMap(({ author }) => author ?? []);
  return [...new Set([...authors, ...inShown, ...(community ? authorsIn(community) : [])])];
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
  pastEnd,
}: Pick<RunView, 'phase' | 'round' | 'finalisedRound' | 'countedRounds' | 'run' | 'pastEnd'>): number {
  const isHeld = pastEnd !== null && pastEnd.state !== 'met';
  const open = phase === 'finished' || isHeld ? 0 : Math.max(0, round - finalisedRound - 1);
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
  const { rounds = 0, windowRounds = 0, trains = true } = view.run ?? {};
  const slotMs = view.slotMs ?? view.run?.slotMs ?? 0;
  const votes = view.community?.alliance?.counts ?? { kept: 0, rolledBack: 0, unjudged: 0 };
  const isFinished = view.phase === 'finished';
  return { ...view, isFinished, trains, rounds, windowRounds, slotMs, votes };
}

function counted(counts: Readonly<Record<string, number>>, reason: string): Record<string, number> {
  const key = reason in counts || Object.keys(counts).length < reasonsMax ? reason : 'other';
  return { ...counts, [key]: (counts[key] ?? 0) + 1 };
}
