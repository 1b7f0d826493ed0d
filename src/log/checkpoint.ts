/**
 * A place in a history to hold on to, which two thirds of those with a say stand behind (in proof of stake a weak subjectivity
 * checkpoint). It names the round, the root after it, which binds the log and not the state, and the snapshot, which is the state: whoever
 * begins there folds the rest itself.
 */
import { bytesToHex, hexToBytes } from '../core/bytes.ts';
import { checkpointPattern } from './checkpoint-pattern.ts';
import type { Anchor } from './envelope.ts';

export type Checkpoint = Anchor;

/** `ROUND:ROOT:SNAPSHOT`, hashes in hexadecimal digits: as people pass it on. */
export function checkpointText({ round, root, snapshot }: Checkpoint): string {
  return `${round}:${bytesToHex(root)}:${bytesToHex(snapshot)}`;
}

/** Null for what is none. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [, round, root, snapshot] = checkpointPattern.exec(text) ?? [];
  if (round === undefined || root === undefined || snapshot === undefined) return null;
  return { round: Number(round), root: hexToBytes(root), snapshot: hexToBytes(snapshot) };
}
