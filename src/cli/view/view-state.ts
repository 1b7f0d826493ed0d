/** What the terminal view shows, and how it follows from a look at the testnet. */
import { type Outcome, worstOutcome } from '../../node/view/outcome.ts';
import type { RunView } from '../../node/view/run-view.ts';
import type { Observation } from '../../testnet/observe.ts';
import { partsText } from '../../testnet/parts.ts';
import { calledBy, siteNames } from '../../testnet/site-names.ts';
import type { TestnetState } from '../../testnet/testnet-state.ts';
import type { LossTrails } from './loss-trails.ts';

export interface NodeRow {
  readonly name: string;
  /** A phase of the node, `starting` before its first answer, `silent` where it was ready and gives none, `gone` after its end. */
  readonly phase: string;
  /** What came of the run there; null before its end. */
  readonly outcome: Outcome | null;
  /** Rounds of the run that it has behind it, open ones included. */
  readonly round: number | null;
  readonly loss: number | null;
  /** What is known of it up to now, oldest first. */
  readonly losses?: readonly number[];
  /** In [0, 1]. */
  readonly accuracy: number | null;
  /** What who always says the most frequent class is right for. */
  readonly majority: number | null;
  /** In place of accuracy, as of a view. */
  readonly measures?: RunView['measures'];
  readonly peers: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  readonly lag: number | null;
}

export interface ViewState {
  readonly title: string;
  readonly rows: readonly NodeRow[];
  readonly bootstraps: { readonly alive: number; readonly total: number };
  /** What nodes were told to refuse each other, in words; null where none was. */
  readonly parts?: string | null;
  /** Completed rounds of the slowest living node, 0 to `rounds`. */
  readonly round: number;
  readonly rounds: number;
  /** Until round 0; 0 once it began. */
  readonly startsInMs: number;
  /** Until the last node is done, as far as the present pace tells. */
  readonly leftMs: number;
  /** How long a round lasts; more than the run's own where nodes do not keep up. */
  readonly slotMs: number;
  readonly isSlowed: boolean;
  /** `down` where no process is left, or none of the nodes. */
  readonly phase: 'joining' | 'waiting' | 'training' | 'finishing' | 'finished' | 'down';
}

export interface RunTimes {
  readonly title: string;
  readonly startAtMs: number;
  readonly slotMs: number;
  readonly rounds: number;
  /** Rounds the log stays open after the last one. */
  readonly windowRounds: number;
  /** What the data of nodes is called, where that tells them apart. */
  readonly sites?: ReadonlyMap<string, string>;
}

/** What the view needs to know of the run once. */
export function runTimesOf(state: TestnetState): RunTimes {
  const { name, runId, startAtMs, createdAtMs, slotMs, rounds, windowRounds } = state;
  return {
    title: `${name}  ${runId ?? ''}`.trimEnd(),
    startAtMs: startAtMs ?? createdAtMs,
    slotMs,
    rounds,
    windowRounds,
    sites: siteNames(state.members),
  };
}

/** The view of a testnet as observed. */
export function viewOf(observation: Observation, run: RunTimes, trails?: LossTrails): ViewState {
  const rows = observation.nodes.map(({ name: id, alive, isSilent = false, view }): NodeRow => {
    const name = calledBy(run.sites ?? new Map(), id);
    const losses = trails?.of(id);
    const phase = alive ? (view?.phase ?? (isSilent ? 'silent' : 'starting')) : 'gone';
    return view === null
      ? {
          name,
          phase,
          outcome: null,
          round: null,
          loss: null,
          accuracy: null,
          majority: null,
          peers: null,
          bytesIn: null,
          bytesOut: null,
          lag: null,
        }
      : {
          name,
          phase,
          outcome: view.outcome,
          round: view.roundsDone,
          loss: view.loss,
          ...(losses ? { losses } : {}),
          accuracy: view.accuracy,
          majority: view.figures?.majority ?? null,
          measures: view.measures,
          peers: view.peers,
          bytesIn: view.bytesIn,
          bytesOut: view.bytesOut,
          lag: view.lag,
        };
  });
  const living = rows.filter(({ phase }) => phase !== 'gone');
  const round =
    living.length === 0 ? 0 : Math.min(...living.map((row) => clamp(row.round ?? 0, 0, run.rounds)));
  const slotMs = Math.max(run.slotMs, ...observation.nodes.map(({ view }) => view?.slotMs ?? 0));
  const startsInMs = Math.max(0, run.startAtMs - observation.atMs);
  return {
    title: run.title,
    rows,
    bootstraps: { alive: observation.bootstrapsAlive, total: observation.bootstraps },
    parts: partsText(observation.nodes),
    round,
    rounds: run.rounds,
    startsInMs,
    leftMs: startsInMs + (run.rounds - round + run.windowRounds) * slotMs,
    slotMs,
    isSlowed: slotMs > run.slotMs,
    phase: isDown(rows, observation) ? 'down' : overallPhase(living, observation.atMs < run.startAtMs),
  };
}

/** Where all nodes together stand: what went wrong in the end is not called finished. */
export function phaseWord({ phase, rows }: ViewState): string {
  const worst = worstOutcome(rows.map(({ outcome }) => outcome));
  return phase !== 'finished' || worst === null || worst === 'trained' || worst === 'kept' ? phase : worst;
}

/** A testnet that boots has bootstraps before it has nodes. */
function isDown(rows: readonly NodeRow[], { bootstrapsAlive }: Observation): boolean {
  return rows.length === 0 ? bootstrapsAlive === 0 : rows.every(({ phase }) => phase === 'gone');
}

function overallPhase(living: readonly NodeRow[], early: boolean): ViewState['phase'] {
  const all = (...phases: readonly string[]): boolean =>
    living.length > 0 && living.every((row) => phases.includes(row.phase));
  if (all('finished')) return 'finished';
  if (all('finished', 'draining')) return 'finishing';
  if (early) return living.every((row) => (row.peers ?? 0) > 0) ? 'waiting' : 'joining';
  return 'training';
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
