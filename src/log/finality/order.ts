/**
 * Which of two histories stands. A function of signed entries and of what we have folded ourselves, so that it is the same at
 * every peer that holds both, whoever its neighbours are: nothing that somebody says about itself or others counts.
 */
import { compare, equals } from 'uint8arrays';
import type { PeerKey } from '../../core/io.ts';
import type { Keys } from '../entitlement.ts';
import type { Anchor, EntryHeader } from '../envelope.ts';
import type { Replica } from '../replica.ts';

/** A key's latest word on where it stands: what it signed, or has told us itself, then without a snapshot. */
export interface Word {
  readonly round: number;
  readonly anchor: Omit<Anchor, 'snapshot'> & { readonly snapshot: Uint8Array | null };
}

export interface SignedWord extends Word {
  readonly anchor: Anchor;
}

/** The anchor of each author's newest entry of `sinceRound` or later. */
export function latestWords(entries: Iterable<EntryHeader>, sinceRound: number): Map<PeerKey, Word> {
  const words = new Map<PeerKey, SignedWord>();
  for (const { author, round, anchor } of entries) {
    if (!anchor || round < sinceRound || anchor.round >= round) continue;
    const word = { round, anchor };
    const before = words.get(author);
    if (!before || isNewer(word, before)) words.set(author, word);
  }
  return words;
}

/** Of two words of one round that with the later anchor, else the higher one: the same in whatever order a peer holds their entries. */
export function isNewer({ round, anchor }: SignedWord, before: SignedWord): boolean {
  const order =
    round - before.round ||
    anchor.round - before.anchor.round ||
    compare(anchor.root, before.anchor.root) ||
    compare(anchor.snapshot, before.anchor.snapshot);
  return order > 0;
}

/**
 * What is known of a history's past. held: what was folded here, or came as a state that somebody vouched for. traced: also roots that
 * lead to that state, which say what it was made of and nothing of whether it was made rightly.
 */
type Basis = 'held' | 'traced';

function rootAt(round: number, replica: Replica, basis: Basis): Uint8Array | null {
  return basis === 'traced' ? replica.rootAt(round) : (replica.markAt(round)?.root ?? null);
}

/** Whether the replica's history is the one that an anchor names. */
function standsIn({ round, root, snapshot }: Word['anchor'], replica: Replica, basis: Basis): boolean {
  const known = rootAt(round, replica, basis);
  return known !== null && equals(known, root) && hasSnapshot(replica, round, snapshot);
}

function hasSnapshot(replica: Replica, round: number, snapshot: Uint8Array | null): boolean {
  const held = snapshot && replica.snapshots.find((one) => one.round === round);
  return !held || equals(held.blobRoot, snapshot);
}

export interface Support {
  /** Weight of the keys whose word is in the one history and not in the other. */
  readonly ours: number;
  readonly theirs: number;
  /** Of all words, those that tell nothing between the two included. */
  readonly all: number;
}

/** Words of rounds of which a replica does not know where it stood tell nothing. */
export function supportOf(
  words: ReadonlyMap<PeerKey, Word>,
  ours: Replica,
  theirs: Replica,
  weightOf: (peer: PeerKey) => number,
): Support {
  const remembers = ({ base }: Replica, root: Uint8Array | null, round: number): boolean =>
    round > base.round || root !== null;
  return supportBy(words, weightOf, (anchor) => {
    const { round } = anchor;
    const isKnown = [ours, theirs].every((one) => remembers(one, one.rootAt(round), round));
    return isKnown && [standsIn(anchor, ours, 'traced'), standsIn(anchor, theirs, 'traced')];
  });
}

/**
 * As `supportOf`, for a state that somebody vouches for: what was said of rounds before it stands in ours, and also what leads to it,
 * for a forged state can be hung upon any true root.
 */
export function supportOfState(
  words: ReadonlyMap<PeerKey, Word>,
  ours: Replica,
  theirs: Replica,
  weightOf: (peer: PeerKey) => number,
): Support {
  return supportBy(words, weightOf, (anchor) => [
    standsIn(anchor, ours, 'traced'),
    standsIn(anchor, theirs, 'held'),
  ]);
}

/** `stands`: whether a word is in ours and whether it is in theirs; false where that is not known. */
function supportBy(
  words: ReadonlyMap<PeerKey, Word>,
  weightOf: (peer: PeerKey) => number,
  stands: (anchor: Word['anchor']) => readonly [boolean, boolean] | false,
): Support {
  const support = { ours: 0, theirs: 0, all: 0 };
  for (const [author, { anchor }] of words) {
    const weight = weightOf(author);
    support.all += weight;
    const [isOurs, isTheirs] = stands(anchor) || [false, false];
    if (isOurs !== isTheirs) support[isOurs ? 'ours' : 'theirs'] += weight;
  }
  return support;
}

/** The last round for which both replicas can say where they stand: one that is over stands for all later rounds. */
export function commonRound(one: Replica, other: Replica): number {
  const [first, second] = [one.base.round, other.base.round];
  if (one.isComplete && other.isComplete) return Math.max(first, second);
  if (one.isComplete) return second;
  return other.isComplete ? first : Math.min(first, second);
}

/**
 * Whether the other history stands higher than ours: the one in which more weight is anchored (as in LMD-GHOST, latest messages
 * count); of equal ones that with more work by the last round that both have reached; else that with the
 * lower root.
 */
export function standsHigher(theirs: Replica, ours: Replica, support: Support): boolean {
  if (support.theirs !== support.ours) return support.theirs > support.ours;
  const round = commonRound(ours, theirs);
  const mine = ours.markAt(round);
  const other = theirs.markAt(round);
  if (!mine || !other) return false;
  if (mine.work !== other.work) return other.work > mine.work;
  return compare(other.root, mine.root) < 0;
}

/**
 * Part of all that may have a say that stands in the replica's history at or after a round: what makes a checkpoint. Who is known
 * counts in full among all, however little its word weighs so far: few early words are no majority.
 */
export function shareAnchored(
  words: ReadonlyMap<PeerKey, Word>,
  replica: Replica,
  round: number,
  known: Keys,
  weightOf: (peer: PeerKey) => number,
): number {
  let all = known.size;
  let here = 0;
  for (const [author, { anchor }] of words) {
    const weight = weightOf(author);
    if (!known.has(author)) all += weight;
    if (anchor.round >= round && standsIn(anchor, replica, 'held')) here += weight;
  }
  return all > 0 ? here / all : 0;
}
