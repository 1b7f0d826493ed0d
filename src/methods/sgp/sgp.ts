import { addScaled, type Vector } from '../../math/vector.ts';
import { hasForm, type MixingPeer, type Packed, parcel } from '../mixing/mixing-peer.ts';
import { PushSumLedger } from './push-sum-ledger.ts';

/**
 * SGP, stochastic gradient push (Assran et al. 2019): peers hold mass (x, w), train on z = x / w and split their mass among those
 * they send to, columns of P summing to one: x <- sum of P_ij (x_j - lr g_j), w <- sum of P_ij w_j. The ledger keeps the sum of all
 * mass, over lines that lose messages. `asSent`: what the wire makes of a vector.
 *
 * Not as there: who has less weight than at the start adds so much less, min(1, w) lr g, for z would move by 1 / w of what was learned. Where
 * peers take mass and send nothing on, w shrinks on and on, and training diverged.
 */
export function sgp(initial: Vector, asSent?: (vector: Vector) => Vector): MixingPeer {
  const ledger = new PushSumLedger(initial, 1, asSent);
  /** Ids whose answer is awaited: offered again when that fails. */
  const asked = new Set<number>();
  const offers = () =>
    ledger.outgoing().flatMap(({ to, id, mass, weight, kind, oldest }): Packed[] => {
      if (asked.has(id)) return [];
      asked.add(id);
      return [{ to, parcel: parcel([mass], [id, weight, kind === 'give' ? 0 : 1, oldest]) }];
    });
  return {
    sends: 'after-training',
    get model() {
      return ledger.estimate() ?? initial;
    },
    pack(_round, hood, update) {
      // What was learned without mass weighs nothing: it began from no estimate.
      if (update && ledger.estimate()) addScaled(ledger.mass, Math.min(1, ledger.weight), update);
      for (const [to, weight] of hood.to) ledger.send(to, weight);
      ledger.settleSplit();
      return offers();
    },
    leave(heir) {
      ledger.handOff(heir);
      return offers();
    },
    mix: (_round, _hood, _update, _received) => ledger.nextRound(),
    accepts: (one) =>
      hasForm(one, 1, initial.length, 4) &&
      one.numbers[1]! > 0 &&
      one.numbers[1]! <= 1e6 &&
      (one.numbers[2] === 0 || one.numbers[2] === 1),
    answer(from, { numbers, vectors }) {
      const [id, weight, kind, oldest] = numbers as [number, number, number, number];
      const transfer = {
        id,
        mass: vectors[0]!,
        weight,
        kind: kind === 0 ? 'give' : 'cancel',
        oldest,
      } as const;
      const wasApplied = ledger.receive(from, transfer);
      return parcel([], [wasApplied ? 1 : 0]);
    },
    answered(_to, sent, answer) {
      asked.delete(sent.numbers[0]!);
      const applied = answer?.numbers[0];
      if (applied === 0 || applied === 1) ledger.acknowledge(sent.numbers[0]!, applied === 1);
    },
    // Mass that two hold would be counted twice.
    handout: () => null,
    takeHandout: () => {},
    namesPeers: true,
    state: () => ledger.state(),
    restore: (state) => ledger.restore(state),
  };
}
