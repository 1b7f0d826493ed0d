/**
 * Deltas of authors that are away, folded again: what a peer published last stands for what it would have published now. Without it the model
 * forgets, round by round, what only the data of the absent show. After FedVARP (Jhunjhunwala 2022, arXiv:2207.14130), where a server keeps
 * the last update of each client; here the log does, and it costs no bytes.
 */
import type { Delta } from '../../codec/delta-codec.ts';
import type { PeerKey } from '../../core/io.ts';
import type { DeltaRules, DeltaState, LastDelta, PendingDelta } from './delta-state.ts';

/** What is kept of bodies at most; the oldest go first. Guess: a snapshot has room for twice as much. */
const lastBytesMax = 4 * 1024 * 1024;

export interface RepeatedDelta {
  readonly author: PeerKey;
  readonly delta: Delta;
  readonly weight: number;
}

export interface Absence {
  readonly round: number;
  /** Who published in it, heard or not. */
  readonly present: ReadonlySet<PeerKey>;
  /** Deltas that carry weight in it. */
  readonly fresh: number;
  /** Whether the author would have carried weight, had it published. */
  mayCount(author: PeerKey): boolean;
}

/**
 * What stands for the absent, youngest first: no more of it than there are fresh deltas, so that a network of which most is away, or
 * one half of one that has parted, does not go on by memory alone.
 */
export function repeatsIn(
  { last }: Pick<DeltaState, 'last'>,
  { repeatRounds }: DeltaRules,
  { round, present, fresh, mayCount }: Absence,
): readonly RepeatedDelta[] {
  if (repeatRounds === 0 || fresh === 0) return [];
  return [...last]
    .filter(
      ([author, { round: from }]) => from + repeatRounds >= round && !present.has(author) && mayCount(author),
    )
    .sort(byAge)
    .slice(0, fresh)
    .map(([author, { content, weight }]) => ({ author, delta: content.delta, weight }));
}

const byAge = ([a, x]: [PeerKey, LastDelta], [b, y]: [PeerKey, LastDelta]): number =>
  y.round - x.round || (a < b ? -1 : 1);

/** What carried weight in a round is the last of its authors; what is too old to be folded again is forgotten. */
export function noteLast(
  { last }: Pick<DeltaState, 'last'>,
  { repeatRounds }: DeltaRules,
  round: number,
  { deltas, weights }: { readonly deltas: readonly PendingDelta[]; readonly weights: readonly number[] },
): void {
  if (repeatRounds === 0) return;
  for (const [index, { author, body, content }] of deltas.entries()) {
    last.set(author, { round, weight: weights[index]!, body, content });
  }
  let bytes = 0;
  for (const [author, { round: from, body }] of [...last].sort(byAge)) {
    bytes += body.length;
    if (from + repeatRounds <= round || bytes > lastBytesMax) last.delete(author);
  }
}
