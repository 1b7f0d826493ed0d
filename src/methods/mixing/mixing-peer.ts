/**
 * One peer of a method that mixes models, stepped by hand or by the protocol core: train a round from `model`, `pack` what
 * goes to whom, collect what others packed for this peer, `mix`. Peers are numbers; chance comes in by `random`.
 */
import type { Vector } from '../../math/vector.ts';

/** Who is around a peer in a round. */
export interface Hood {
  readonly self: number;
  /** To whom it sends, with the weight W_ji that they take it with; without itself. */
  readonly to: ReadonlyMap<number, number>;
  /** From whom it takes, with the weight W_ij; without itself. null: from whoever sends, all alike. */
  readonly from: ReadonlyMap<number, number> | null;
}

/** What travels. */
export interface Parcel {
  readonly numbers: readonly number[];
  readonly vectors: readonly Vector[];
  /** A compressed vector as the method's compressor wrote it; empty where there is none. */
  readonly body: Uint8Array;
}

export interface Packed {
  readonly to: number;
  readonly parcel: Parcel;
}

export interface Received {
  readonly from: number;
  readonly parcel: Parcel;
}

export interface MixingPeer {
  /** When `pack` is called: before the round's training, while that runs, or with what it gave. */
  readonly sends: 'before-training' | 'after-training';
  /** What the next round trains from, and what is evaluated. Not to be modified. */
  readonly model: Vector;
  /** `update`: end minus start of the round's training; null before it, or where it failed. */
  pack(round: number, hood: Hood, update: Vector | null): readonly Packed[];
  /** Ends the round with what arrived, in order of sender and round. */
  mix(round: number, hood: Hood, update: Vector | null, received: readonly Received[]): void;
  /** Whether a parcel of this form can be mixed: checked before it is kept. */
  accepts(parcel: Parcel): boolean;
  /** Takes a parcel in at once, in place of at the next `mix`; the answer goes back. */
  answer?(from: number, parcel: Parcel): Parcel | null;
  /** The answer to a parcel of ours; null: it may or may not have arrived. */
  answered?(to: number, sent: Parcel, answer: Parcel | null): void;
  /** Peers whose `handout` is needed to go on as they do. */
  wants?(): readonly number[];
  /** What `wants` asks for, and what a peer that comes late asks anybody for; null where it must begin by itself. */
  handout(): Parcel | null;
  takeHandout(from: number, handout: Parcel): void;
  /** What goes to whom when this peer leaves; `heir` takes what only one can hold. */
  leave?(heir: number): readonly Packed[];
  /** Whether `state` speaks of peers: their numbers must then mean the same after a restart. */
  readonly namesPeers?: boolean;
  /** All that a restart must find, and how it finds it. */
  state(): Parcel;
  restore(state: Parcel): void;
}

/** `handout` and `takeHandout` of methods whose whole state is some vectors of the model's size. */
export function handsOutState(
  size: number,
  vectors: number,
  of: () => Pick<MixingPeer, 'state' | 'restore'>,
): Pick<MixingPeer, 'handout' | 'takeHandout'> {
  return {
    handout: () => of().state(),
    takeHandout: (_from, one) => {
      if (hasForm(one, vectors, size)) of().restore(one);
    },
  };
}

export const noBody = new Uint8Array(0);

export function parcel(vectors: readonly Vector[], numbers: readonly number[] = []): Parcel {
  return { numbers, vectors, body: noBody };
}

/** One vector for every neighbour. */
export function toAll(hood: Hood, content: Parcel): Packed[] {
  return Array.from(hood.to.keys(), (to) => ({ to, parcel: content }));
}

/** Whether it is `vectors` vectors of `size` and `numbers` numbers. */
export function hasForm(one: Parcel, vectors: number, size: number, numbers = 0): boolean {
  return (
    one.vectors.length === vectors &&
    one.vectors.every((vector) => vector.length === size) &&
    one.numbers.length === numbers &&
    one.body.length === 0
  );
}

/** The newest parcel of each sender that has a weight, with that weight; equal ones where the hood does not say. */
export function weighed(
  hood: Hood,
  received: readonly Received[],
): { readonly parcels: readonly Parcel[]; readonly weights: readonly number[] } {
  const newest = new Map<number, Parcel>();
  for (const { from, parcel: one } of received)
    if (hood.from === null || hood.from.has(from)) newest.set(from, one);
  const weights: number[] = [];
  for (const from of newest.keys()) weights.push(hood.from?.get(from) ?? 1 / (newest.size + 1));
  return { parcels: [...newest.values()], weights };
}
