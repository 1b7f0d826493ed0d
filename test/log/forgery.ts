/** States that nobody has folded and entries that nobody has trained, and what a liar says of them. */

import { unitsPerOne } from '../../src/codec/scale.ts';
import { segmentOf } from '../../src/content/blob.ts';
import type { Signer } from '../../src/core/crypto.ts';
import { type Anchor, encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { initialState, type LogState } from '../../src/log/log-state.ts';
import { encodeOffer, makeSnapshot, type Snapshot, signSnapshotHeader } from '../../src/log/snapshot.ts';
import { decodeRequest, encodeDigestAnswer, encodeHashList, encodeRequest } from '../../src/log/wire.ts';
import { contextOf, crypto, deltaStateOf, type SmallRun, smallVector } from './small-run.ts';

/** A state that nobody has folded, and what a liar says of it. */
export class Forgery {
  readonly snapshot: Snapshot;
  readonly #run: SmallRun;

  /** `says`: what else the state holds that nobody did. */
  constructor(run: SmallRun, round: number, says: (state: LogState) => void = () => {}, work = 2 ** 30) {
    const { kinds, frame } = contextOf(run);
    const state = initialState(kinds, frame);
    deltaStateOf(state).units.fill(100 * unitsPerOne);
    Object.assign(state, { round, work, root: crypto.sha256(Uint8Array.of(6, 6, 6)) });
    says(state);
    this.#run = run;
    this.snapshot = makeSnapshot(crypto, kinds, state);
  }

  get anchor(): Anchor {
    const { round, root, blobRoot } = this.snapshot;
    return { round, root, snapshot: blobRoot };
  }

  /** An entry of the liar's that stands in it. */
  entryOf(signer: Signer, round: number): Uint8Array {
    return encodeEnvelope(deltaOf(this.#run, signer, round, this.anchor));
  }

  answer(signer: Signer, bytes: Uint8Array): readonly Uint8Array[] | null {
    const { snapshot } = this;
    const { runId } = this.#run;
    const request = decodeRequest(bytes);
    switch (request?.kind) {
      case 'digest': {
        // Whoever looks into it is told that all it makes of the forged state is right.
        const isLed = request.work === null && request.finalised >= snapshot.round;
        const state = isLed ? ('same-final' as const) : ('unknown' as const);
        const rounds = request.digests.map(() => ({ state, rows: [] }));
        const atYours = { root: isLed ? request.root : snapshot.root, work: 2 ** 30 };
        return [encodeDigestAnswer({ nextHeld: null, reachesBack: isLed, atYours, rounds })];
      }
      case 'snapshots':
        return [encodeOffer(signSnapshotHeader(snapshot, runId, signer), [])];
      case 'leaves':
        return [encodeHashList(snapshot.leaves)];
      case 'segment':
        return [segmentOf(snapshot.blob, request.index)];
      default:
        return null;
    }
  }

  /** A request in which the liar says that it stands there. */
  claim(finalised: number): Uint8Array {
    const { root } = this.snapshot;
    return encodeRequest({
      kind: 'digest',
      ...{ finalised, root, work: 2 ** 30, from: finalised + 1, digests: [] },
    });
  }
}

/** A delta that nobody has trained. */
export function deltaOf(run: SmallRun, signer: Signer, round: number, anchor: Anchor, seed = 'hostile') {
  const { codec, envelopes } = contextOf(run);
  const body = codec.encode(
    codec.select(smallVector(run.initial.length, `${seed}/${signer.key}/${round}`, 0.01)),
  );
  return sealEnvelope({ round, kind: 0, index: 0, anchor, claims: [0, 4] }, body, envelopes, signer);
}
