/**
 * Tells members of a run what our clock says, and asks what theirs says (as NTP does, RFC 5905: from one question and its
 * answer). What comes is a claim: clock-offset.ts says what to make of several.
 */
import type { PeerKey } from '../../core/io.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerIdOf } from '../identity.ts';
import { CLOCK_PROTOCOL } from '../protocols.ts';
import { askAboutRun, serveAboutRuns } from './run-question.ts';

/** Unix time in milliseconds, unsigned and big-endian. */
const answerBytes = 8;

/** @param nowMs of the clock by which we take part in the run that is asked about; null for one that is not ours to show */
export function serveClock(
  host: Host,
  nowMs: (question: string, from: PeerKey | null) => number | null,
): Promise<() => Promise<void>> {
  return serveAboutRuns(host, CLOCK_PROTOCOL, (question, from) => {
    const now = nowMs(question, from);
    if (now === null) return null;
    const bytes = new Uint8Array(answerBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.max(0, Math.round(now))));
    return bytes;
  });
}

/** Our clock less a peer's, in ms: it lies between, for when between question and answer theirs was read nobody knows. */
export interface ClockClaim {
  readonly lowMs: number;
  readonly highMs: number;
}

export interface ClockQuestion {
  readonly runId: string;
  readonly hidden?: HiddenRun | undefined;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
}

/** Of a connected peer. @throws Error where it is silent, knows nothing of the run or talks nonsense */
export async function askClock(
  host: Host,
  peer: PeerKey,
  question: ClockQuestion,
  signal: AbortSignal,
): Promise<ClockClaim> {
  const { runId, hidden, timeoutMs, nowMs } = question;
  const asked = { protocol: CLOCK_PROTOCOL, bytesMax: answerBytes, timeoutMs };
  const sentMs = nowMs();
  const bytes = await askAboutRun({ host, runId, hidden }, peerIdOf(peer), asked, signal);
  const cameMs = nowMs();
  if (bytes.length !== answerBytes) throw new Error('the peer does not say what its clock says');
  const theirs = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  return { lowMs: sentMs - theirs, highMs: cameMs - theirs };
}
