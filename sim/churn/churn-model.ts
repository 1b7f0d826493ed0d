/** Fates of a whole population, drawn from a model. Times in rounds; whole runs from one random stream per peer. */
import { type Rng, rngFor } from '../../src/math/rng.ts';
import type { ChurnModel } from '../scenario/churn-schema.ts';
import { weibull } from './weibull.ts';

/** A fate whose time is in rounds; round -1 is before the start. */
export interface RoundFate {
  readonly kind: 'boot' | 'crash' | 'leave' | 'vanish';
  readonly peer: number;
  readonly atRound: number;
  readonly diskLost?: boolean;
}

export interface Population {
  readonly peers: number;
  /** No fate is drawn for later. */
  readonly rounds: number;
  /** Name of each peer's region and its longitude in degrees; null where latencies are flat. */
  readonly places: { readonly regionOf: (peer: number) => string; readonly longitude: Float64Array } | null;
  /** Names the random streams. */
  readonly seed: string;
}

export function fatesOfModel(model: ChurnModel, population: Population): RoundFate[] {
  const { peers, seed } = population;
  const arrivals = arrivalsOf(model, population, rngFor(`${seed}/arrivals`));
  return Array.from({ length: peers }, (_, peer) => {
    const rng = rngFor(`${seed}/peer/${peer}`);
    return lifeOf(peer, arrivals[peer]!, model, population, rng);
  }).flat();
}

/** When each peer comes for the first time; Infinity for never, -1 for before the start. */
function arrivalsOf(
  { startShare, joinsPerRound, flashCrowd }: ChurnModel,
  { peers, rounds }: Population,
  rng: Rng,
): number[] {
  const order = Array.from({ length: peers }, (_, peer) => peer);
  rng.shuffle(order);
  const crowd = Math.round(peers * (flashCrowd?.share ?? 0));
  const early = Math.min(peers - crowd, Math.max(1, Math.round(peers * startShare)));
  const arrivals = new Array<number>(peers).fill(Number.POSITIVE_INFINITY);
  let clock = 0;
  for (const [position, peer] of order.entries()) {
    if (position < early) arrivals[peer] = -1;
    else if (position < early + crowd && flashCrowd) {
      arrivals[peer] = flashCrowd.atRound + rng.float() * flashCrowd.withinRounds;
    } else if (joinsPerRound > 0) {
      clock += rng.exponential() / joinsPerRound;
      if (clock < rounds) arrivals[peer] = clock;
    }
  }
  return arrivals;
}

/** Stays and absences of one peer, with the failures of its region laid over them. */
function lifeOf(
  peer: number,
  arrival: number,
  model: ChurnModel,
  { rounds, places }: Population,
  rng: Rng,
): RoundFate[] {
  const { session, absence, diskLossShare } = model;
  const region = places?.regionOf(peer);
  const failures = model.regionalFailures.filter((failure) => failure.region === region);
  const fates: RoundFate[] = [];
  let clock = arrival;
  let diskLost = false;
  while (clock < rounds) {
    const failed = failures.find(({ fromRound, toRound }) => fromRound <= clock && clock < toRound);
    if (failed) clock = failed.toRound;
    if (clock >= rounds) break;
    fates.push({ kind: 'boot', peer, atRound: clock, ...(diskLost ? { diskLost } : {}) });
    const stay = session ? weibull(rng, session.shape, session.meanRounds) : Number.POSITIVE_INFINITY;
    const end = Math.max(0, clock) + stay;
    const failure = failures.find(({ fromRound }) => clock < fromRound && fromRound <= end);
    if (failure && failure.fromRound < rounds) {
      fates.push({ kind: 'vanish', peer, atRound: failure.fromRound });
      clock = failure.toRound;
      diskLost = false;
      continue;
    }
    if (end >= rounds) break;
    fates.push({ kind: departureOf(model, rng.float()), peer, atRound: end });
    if (!absence) break;
    clock = end + absenceOf(absence.meanRounds, end, peer, model, places?.longitude, rng);
    diskLost = rng.float() < diskLossShare;
  }
  return fates;
}

/** `chance` is uniform in [0, 1). */
function departureOf({ vanishShare, leaveShare }: ChurnModel, chance: number): RoundFate['kind'] {
  if (chance < vanishShare) return 'vanish';
  return chance < vanishShare + leaveShare ? 'leave' : 'crash';
}

/** Exponential at a rate that follows the sun, by thinning (Lewis and Shedler 1979). */
function absenceOf(
  meanRounds: number,
  from: number,
  peer: number,
  { diurnal }: ChurnModel,
  longitude: Float64Array | undefined,
  rng: Rng,
): number {
  if (!diurnal) return meanRounds * rng.exponential();
  const { amplitude, periodRounds } = diurnal;
  const noonShift = (longitude?.[peer] ?? 0) / 360;
  let away = 0;
  for (;;) {
    away += (meanRounds * rng.exponential()) / (1 + amplitude);
    const phase = 2 * Math.PI * ((from + away) / periodRounds + noonShift);
    if (rng.float() * (1 + amplitude) < 1 + amplitude * Math.sin(phase)) return away;
  }
}
