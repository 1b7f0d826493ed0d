/** Peers that take one blob at the same time from one donor and each other, over lines of virtual time: each sends at its own pace, one answer after the other. */
import { blobRoot, leavesOf, segmentOf } from '../../src/content/blob.ts';
import { allHeld } from '../../src/content/held-segments.ts';
import type { PeerKey } from '../../src/core/io.ts';
import { BlobFetch, type BlobPart } from '../../src/log/repair/blob-fetch.ts';
import { encodeHashList } from '../../src/log/wire.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto } from './small-run.ts';

const latencyMs = 20;
/** Between two looks at what is to be asked. */
const tickMs = 500;
const donor = 'donor';

export interface BlobWorld {
  readonly takers: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

export interface Taken {
  /** Until the last one has it. */
  readonly lastMs: number;
  /** What the donor sent, in blobs. */
  readonly donorGave: number;
}

export function takeOverLines({ takers, bytes, bytesPerSecond }: BlobWorld): Taken {
  const blob = new Uint8Array(bytes);
  rngFor('blob-lines').fillUniform(new Float32Array(blob.buffer), -1, 1);
  const root = blobRoot(crypto, blob);
  const leaves = leavesOf(crypto, blob);
  const rng = rngFor('blob-lines/order');
  let nowMs = 0;
  const due: { readonly atMs: number; readonly act: () => void }[] = [];
  const at = (atMs: number, act: () => void): void => void due.push({ atMs, act });
  const lines = new Map<PeerKey, { freeAtMs: number; sent: number }>();
  const context = { crypto, nowMs: () => nowMs, random: () => rng.float() };
  const fetches = new Map<PeerKey, BlobFetch>();
  for (let index = 0; index < takers; index++)
    fetches.set(`taker ${index}`, new BlobFetch(root, bytes, context));
  for (const peer of [donor, ...fetches.keys()]) lines.set(peer, { freeAtMs: 0, sent: 0 });

  const answerOf = (peer: PeerKey, part: BlobPart): Uint8Array | null => {
    const own = fetches.get(peer);
    if (part.kind === 'leaves') return own && !own.leaves ? null : encodeHashList(leaves);
    if (part.kind === 'held') return own ? own.heldBits() : allHeld(leaves.length);
    return own ? own.segment(part.index) : segmentOf(blob, part.index);
  };
  const pump = (fetch: BlobFetch): void => {
    for (const { peer, part } of fetch.next())
      at(nowMs + latencyMs, () => {
        const frame = answerOf(peer, part);
        const line = lines.get(peer)!;
        line.freeAtMs = Math.max(nowMs, line.freeAtMs) + ((frame?.length ?? 1) / bytesPerSecond) * 1_000;
        line.sent += frame?.length ?? 1;
        at(line.freeAtMs + latencyMs, () => {
          if (frame) fetch.accept(peer, part, frame);
          else fetch.failed(peer, part, true);
          pump(fetch);
        });
      });
  };
  for (const [self, fetch] of fetches) {
    fetch.addHolder(donor);
    for (const other of fetches.keys()) if (other !== self) fetch.addTaker(other);
    const tick = (): void => {
      if (fetch.blob) return;
      pump(fetch);
      at(nowMs + tickMs, tick);
    };
    tick();
  }
  while ([...fetches.values()].some((fetch) => !fetch.blob)) {
    const next = due.reduce((first, each) => (each.atMs < first.atMs ? each : first));
    due.splice(due.indexOf(next), 1);
    nowMs = next.atMs;
    next.act();
  }
  return { lastMs: nowMs, donorGave: lines.get(donor)!.sent / bytes };
}
