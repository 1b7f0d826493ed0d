/**
 * What a frame of gossipsub is made of: its remote procedure calls are Protocol Buffers
 * (https://github.com/libp2p/specs/tree/master/pubsub), of which lengths alone are read, nothing is decoded.
 */

/** What announcements are and what else travels with them: their topics, what peers tell each other, and what frames all that. */
export type GossipPart =
  | 'announcements'
  | 'topics'
  | 'subscriptions'
  | 'ihave'
  | 'iwant'
  | 'graft'
  | 'prune'
  | 'idontwant'
  | 'other';

/** Fields of an RPC, of a message in it and of its control message, by number. */
const rpcFields: Readonly<Record<number, GossipPart | 'publish' | 'control'>> = {
  1: 'subscriptions',
  2: 'publish',
  3: 'control',
};
const messageFields: Readonly<Record<number, GossipPart>> = { 2: 'announcements', 4: 'topics' };
const controlFields: Readonly<Record<number, GossipPart>> = {
  ...{ 1: 'ihave', 2: 'iwant', 3: 'graft', 4: 'prune', 5: 'idontwant' },
};

interface Field {
  readonly number: number;
  /** With what says which field it is and how long. */
  readonly bytes: number;
  readonly from: number;
  readonly until: number;
}

/** Calls back with the bytes of each part of one frame that we have encoded: its length, and that many bytes. */
export function gossipParts(frame: Uint8Array, tell: (part: GossipPart, bytes: number) => void): void {
  const length = varintAt(frame, 0);
  let told = 0;
  const add = (part: GossipPart, bytes: number): void => {
    told += bytes;
    tell(part, bytes);
  };
  for (const field of fieldsOf(frame, length.until, frame.length)) {
    const part = rpcFields[field.number];
    if (part === 'publish' || part === 'control') {
      const inner = part === 'publish' ? messageFields : controlFields;
      for (const { number, bytes } of fieldsOf(frame, field.from, field.until)) {
        if (inner[number]) add(inner[number], bytes);
      }
    } else if (part) add(part, field.bytes);
  }
  if (told < frame.length) tell('other', frame.length - told);
}

function* fieldsOf(bytes: Uint8Array, from: number, end: number): Generator<Field> {
  for (let at = from; at < end; ) {
    const tag = varintAt(bytes, at);
    const value = varintAt(bytes, tag.until);
    // gossipsub writes numbers and what has a length.
    const until = (tag.value & 7) === 2 ? value.until + value.value : value.until;
    yield { number: tag.value >>> 3, bytes: until - at, from: value.until, until };
    at = until;
  }
}

function varintAt(bytes: Uint8Array, from: number): { readonly value: number; readonly until: number } {
  let value = 0;
  let at = from;
  for (let shift = 1; at < bytes.length; shift *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 127) * shift;
    if (byte < 128) break;
  }
  return { value, until: at };
}
