/** What the log holds of an epoch that is under way, as far as it counts; rows are in the order of their authors. Never modified. */

import { bytesToHex, hexToBytes, isBytes, isRows, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import {
  decodeKeys,
  decodeOpen,
  decodeSeen,
  decodeShares,
  type KeysBody,
  type OpenBody,
  type SeenBody,
  type SharesBody,
} from './bodies.ts';
import type { Step } from './rules.ts';

/** An entry that counts. */
export interface Held<Content> {
  /** Of the entry, hex. */
  readonly id: string;
  readonly body: Uint8Array;
  readonly content: Content;
}

export interface Contents {
  readonly keys: KeysBody;
  readonly shares: SharesBody;
  /** Two bytes a number. */
  readonly masked: Uint8Array;
  readonly seen: SeenBody;
  readonly open: OpenBody;
}

export type EpochState = { readonly [S in Step]: ReadonlyMap<PeerKey, Held<Contents[S]>> };

export const noEntries: EpochState = {
  keys: new Map(),
  shares: new Map(),
  masked: new Map(),
  seen: new Map(),
  open: new Map(),
};

/** Hash that names those who dealt shares, and what: whoever masks a vector says by it with whom. */
export function dealersDigest({ shares }: Pick<EpochState, 'shares'>, crypto: Crypto): Uint8Array {
  return crypto.sha256(...[...shares].flatMap(([author, { id }]) => [keyToBytes(author), hexToBytes(id)]));
}

/** Whose vectors reached so many that they may be opened, in the order of their keys. */
export function includedIn(
  { masked, seen }: Pick<EpochState, 'masked' | 'seen'>,
  committee: readonly PeerKey[],
  threshold: number,
): PeerKey[] {
  return [...masked.keys()].filter((author) => {
    const place = committee.indexOf(author);
    const { id } = masked.get(author)!;
    const namers = [...seen.values()].filter(({ content }) => content.get(place) === id);
    return namers.length >= threshold;
  });
}

/** A row for each entry: author, id, body. */
export function encodeEpoch(epoch: EpochState, steps: readonly Step[]): unknown[] {
  return steps.map((step) =>
    [...epoch[step]].map(([author, { id, body }]) => [keyToBytes(author), hexToBytes(id), body]),
  );
}

/** How bodies of a committee of so many are read; vectors have so many numbers. */
export interface BodyForm {
  readonly members: number;
  readonly width: number;
}

export function decodeBody<S extends Step>(step: S, body: Uint8Array, form: BodyForm): Contents[S] | null {
  const { members, width } = form;
  const decoders: { readonly [T in Step]: () => Contents[T] | null } = {
    keys: () => decodeKeys(body),
    shares: () => decodeShares(body, members),
    masked: () => (body.length === 2 * width ? body : null),
    seen: () => decodeSeen(body, members),
    open: () => decodeOpen(body, members),
  };
  return decoders[step]();
}

/** Null for what is no epoch. */
export function decodeEpoch(value: unknown, steps: readonly Step[], form: BodyForm): EpochState | null {
  if (!Array.isArray(value) || value.length !== steps.length) return null;
  const maps = new Map<Step, ReadonlyMap<PeerKey, Held<unknown>>>();
  for (const [index, step] of steps.entries()) {
    const rows: unknown = value[index];
    if (!isRows(rows, 3) || rows.length > form.members) return null;
    const held = new Map<PeerKey, Held<unknown>>();
    for (const [author, id, body] of rows) {
      if (!isBytes(author, 32) || !isBytes(id, 32) || !(body instanceof Uint8Array)) return null;
      const content = decodeBody(step, body, form);
      if (content === null) return null;
      held.set(bytesToHex(author), { id: bytesToHex(id), body, content });
    }
    maps.set(step, held);
  }
  return Object.fromEntries(maps) as unknown as EpochState;
}
