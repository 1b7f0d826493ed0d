import { sumOf, type Vector } from '../../math/vector.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import {
  type Hood,
  hasForm,
  type MixingPeer,
  type Packed,
  type Parcel,
  parcel,
  type Received,
  toAll,
  weighed,
} from './mixing-peer.ts';

/**
 * Trains, sends the trained model and averages it with those that came. `epidemic`: to random peers (de Vos et al. 2023, "Epidemic
 * Learning"). `moshpit`: in groups along the axes of a grid (Ryabinin et al. 2021, "Moshpit SGD"). They differ in the topology
 * and in the weights: epidemic averages what came, whoever sent it; moshpit takes the mean of its group.
 */
export class ModelAveraging implements MixingPeer {
  readonly #aggregator: Aggregator;
  #model: Vector;
  #trained: Vector | null = null;

  /** `initial` is not modified. */
  constructor(initial: Vector, aggregator: Aggregator) {
    this.#aggregator = aggregator;
    this.#model = initial;
  }

  get sends(): 'after-training' {
    return 'after-training';
  }

  get model(): Vector {
    return this.#trained ?? this.#model;
  }

  pack(_round: number, hood: Hood, update: Vector | null): readonly Packed[] {
    this.#trained = update ? sumOf(this.model, update) : this.model;
    return toAll(hood, parcel([this.#trained]));
  }

  mix(round: number, hood: Hood, update: Vector | null, received: readonly Received[]): void {
    const own = this.#trained ?? (update ? sumOf(this.#model, update) : this.#model);
    this.#trained = null;
    // Of those who came: an absent one's weight would keep what is left apart.
    const { parcels } = weighed(hood, received);
    const others = parcels.map(({ vectors }) => vectors[0]!);
    const weights = others.map(() => 1 / (others.length + 1));
    this.#model = this.#aggregator.aggregate({ own, others, weights, round });
  }

  accepts(one: Parcel): boolean {
    return hasForm(one, 1, this.#model.length);
  }

  state(): Parcel {
    return parcel([this.model]);
  }

  restore({ vectors }: Parcel): void {
    this.#model = vectors[0]!.slice();
  }

  handout(): Parcel {
    return this.state();
  }

  takeHandout(_from: number, one: Parcel): void {
    if (this.accepts(one)) this.restore(one);
  }
}
