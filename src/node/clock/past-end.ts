/**
 * A run whose planned time was over before this node came, seen from a node that meets nobody of it: training it again alone would
 * make a model of its own and call it the run's. So nothing is trained until somebody is met who stands where we do.
 */
import type { Agreement, Phase } from '../../core/io.ts';
import { slotGrowthMax } from '../../methods/delta-log/log-parts.ts';
import { logOf } from '../../methods/registry.ts';
import type { RunManifest } from '../../run/manifest.ts';

/** Why nothing is trained, as told for each round. */
export const notMetPastEnd = 'the planned time of the run is over, and nobody of it was met';

/** So long peers are looked for before the run is given up. Guess: bootstraps are dialled at once, the DHT asked within seconds. */
export const unmetPatienceMs = 30_000;

/** What is known of the end when a node comes after it. Times in ms. */
export interface PastEnd {
  /** How long before this node came the run was over, had every round counted and lasted as planned. */
  readonly byMs: number;
  /** How much longer it may have lasted, where peers did not keep up; null: without bound, where rounds wait for publishers. */
  readonly mayLastMs: number | null;
  /** asking: peers may yet turn up; unmet: nobody did; met: it goes on, with them or because it was told to. */
  readonly state: 'asking' | 'unmet' | 'met';
}

/** When a run is over by its manifest; `latestMs` null: it waits for publishers as long as it takes. Unix times in ms. */
function plannedEnd(manifest: RunManifest): { earliestMs: number; latestMs: number | null } {
  const { startAtMs, rounds, slotMs, slotMsMax, timeMaxMs, publishersMin, strategy } = manifest;
  const log = logOf(strategy);
  if (log === null) return { earliestMs: startAtMs + rounds * slotMs, latestMs: startAtMs + rounds * slotMs };
  const timeMs = timeMaxMs ?? Number.POSITIVE_INFINITY;
  const longest = slotMsMax ?? slotGrowthMax * slotMs;
  const allMs = publishersMin > 1 ? Number.POSITIVE_INFINITY : rounds * longest;
  const latest = Math.min(allMs, timeMs + longest) + log.windowRounds * longest;
  return {
    earliestMs: startAtMs + Math.min(rounds * slotMs, timeMs) + log.windowRounds * slotMs,
    latestMs: Number.isFinite(latest) ? startAtMs + latest : null,
  };
}

/** Of one session, from the moment in which it runs. */
export class PastEndWatch {
  readonly #cameAtMs: number;
  readonly #byMs: number;
  readonly #mayLastMs: number | null;
  readonly #isBack: boolean;
  #isMet: boolean;
  #isFirstPhase = true;

  /** `evenIfOver`: the run is to be trained even so. `isBack`: this node was in it before. */
  constructor(
    manifest: RunManifest,
    cameAtMs: number,
    { evenIfOver, isBack }: { readonly evenIfOver: boolean; readonly isBack: boolean },
  ) {
    const { earliestMs, latestMs } = plannedEnd(manifest);
    this.#cameAtMs = cameAtMs;
    this.#byMs = cameAtMs - earliestMs;
    this.#mayLastMs = latestMs === null ? null : Math.max(0, latestMs - cameAtMs);
    this.#isBack = isBack;
    this.#isMet = evenIfOver;
  }

  /** Who was in the run until just now has nothing to catch up with, and knows better than the manifest how long it lasts. */
  notePhase(phase: Phase): void {
    if (this.#isFirstPhase && this.#isBack && phase !== 'joining') this.#isMet = true;
    this.#isFirstPhase = false;
  }

  /** Who holds another history has what we lack: only one who holds ours goes on from where we are. */
  note(agreement: Agreement | null): void {
    if (agreement !== null && agreement.same > agreement.other) this.#isMet = true;
  }

  /** Null where the node came in time. */
  state(nowMs: number): PastEnd | null {
    if (this.#byMs <= 0) return null;
    const isOver = this.#mayLastMs !== null && nowMs - this.#cameAtMs >= unmetPatienceMs;
    const unmet = isOver ? 'unmet' : 'asking';
    return { byMs: this.#byMs, mayLastMs: this.#mayLastMs, state: this.#isMet ? 'met' : unmet };
  }
}
