/**
 * What every `Transport` promises (src/core/ports.ts), as one suite: `transportContract` runs it against a
 * world of three peers in a line, where the one in the middle is linked to both others.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PeerKey, Verdict } from '../../src/core/io.ts';

export interface Heard {
  readonly from: PeerKey;
  readonly text: string;
}

export interface TransportPeer {
  readonly key: PeerKey;
  /** Told so far, over all sessions. */
  readonly up: readonly PeerKey[];
  readonly down: readonly PeerKey[];
  /** What it was asked to judge. */
  readonly heard: readonly Heard[];
  announce(text: string): void;
  request(peer: PeerKey, text: string, bounds: RequestBounds): Promise<readonly Uint8Array[]>;
  /** Leaves; what it knows of others is gone. */
  stop(): Promise<void>;
  /** Comes back. */
  start(): Promise<void>;
}

export interface RequestBounds {
  readonly responseBytesMax: number;
  readonly timeoutMs: number;
}

export interface TransportWorld {
  /** Started, in a line. */
  readonly peers: readonly [TransportPeer, TransportPeer, TransportPeer];
  /** Lets time pass until `condition` holds; fails when it does not within a long while. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Lets time pass until `promise` is settled. */
  settled<T>(promise: Promise<T>): Promise<T>;
  end(): Promise<void>;
}

/** How every peer judges. */
export function judged(text: string): Verdict {
  if (text.startsWith('bad')) return 'reject';
  return text.startsWith('dull') ? 'ignore' : 'accept';
}

/** A request that takes longer than `impatientMs`, wherever it is asked. */
export const slowQuestion = 'slow';
const impatientMs = 40;

/** How every peer answers. @throws to refuse */
export function answered(from: PeerKey, text: string): readonly Uint8Array[] {
  const [what, count = '0', bytes = '0'] = text.split(' ');
  switch (what) {
    case 'refuse':
      throw new Error('it is refused');
    case 'who':
      return [Buffer.from(from)];
    case 'frames':
      return Array.from({ length: Number(count) }, (_, index) => new Uint8Array(Number(bytes)).fill(index));
    default:
      return [Buffer.from(text), new Uint8Array(), Buffer.from('end')];
  }
}

const bounds: RequestBounds = { responseBytesMax: 100_000, timeoutMs: 10_000 };

/** The three of a world by their places. */
interface Line {
  readonly world: TransportWorld;
  readonly left: TransportPeer;
  readonly middle: TransportPeer;
  readonly right: TransportPeer;
}

const textsOf = ({ heard }: TransportPeer) => heard.map(({ text }) => text);
const hears = (peer: TransportPeer, text: string) => textsOf(peer).includes(text);

function asks(
  { world }: Line,
  from: TransportPeer,
  peer: PeerKey,
  text: string,
  given: Partial<RequestBounds> = {},
): Promise<readonly Uint8Array[]> {
  return world.settled(from.request(peer, text, { ...bounds, ...given }));
}

/** In this order, on one world. */
const promises: Readonly<Record<string, (line: Line) => Promise<void>>> = {
  'each peer is told once of each that it is linked to': async (line) => {
    const { world, left, middle, right } = line;
    await world.until(
      'the line is complete',
      () => world.peers.every(({ up }) => up.length > 0) && middle.up.length === 2,
    );
    assert.deepEqual([...left.up], [middle.key]);
    assert.deepEqual([...middle.up].sort(), [left.key, right.key].sort());
    assert.deepEqual([...right.up], [middle.key]);
    assert.ok(world.peers.every(({ down }) => down.length === 0));
  },

  'what is accepted goes on, each time under the key of who passed it': async (line) => {
    const { world, left, middle, right } = line;
    left.announce('news');
    await world.until('it reached the other end', () => hears(right, 'news'));
    assert.deepEqual(middle.heard, [{ from: left.key, text: 'news' }]);
    assert.deepEqual(right.heard, [{ from: middle.key, text: 'news' }]);
    assert.deepEqual(left.heard, [], 'our own does not come back');
  },

  'what is rejected or ignored does not go on': async (line) => {
    const { world, left, middle, right } = line;
    for (const text of ['bad news', 'dull news', 'good news']) left.announce(text);
    await world.until('the good news are there', () => hears(right, 'good news'));
    assert.ok(['bad news', 'dull news', 'good news'].every((text) => hears(middle, text)));
    assert.deepEqual(textsOf(right), ['news', 'good news']);
  },

  'the same announcement of two peers is one': async (line) => {
    const { world, left, middle, right } = line;
    left.announce('twice');
    right.announce('twice');
    left.announce('after it');
    right.announce('after it too');
    await world.until(
      'what followed has arrived',
      () => hears(middle, 'after it') && hears(middle, 'after it too'),
    );
    assert.equal(textsOf(middle).filter((text) => text === 'twice').length, 1);
    assert.ok(
      [left, right].every((peer) => !hears(peer, 'twice')),
      'both have it already',
    );
  },

  'an answer comes frame by frame as it was given': async (line) => {
    const { left, middle, right } = line;
    const frames = await asks(line, left, middle.key, 'hello');
    assert.deepEqual(
      frames.map((frame) => Buffer.from(frame).toString()),
      ['hello', '', 'end'],
    );
    assert.deepEqual(await asks(line, left, middle.key, 'frames 0'), [], 'none at all is an answer');
    const many = await asks(line, middle, right.key, 'frames 200 300');
    assert.ok(
      many.length === 200 && many.every((frame, index) => frame.length === 300 && frame[299] === index),
    );
  },

  'who is asked knows who asks': async (line) => {
    const { middle, right } = line;
    const [frame] = await asks(line, right, middle.key, 'who');
    assert.equal(Buffer.from(frame!).toString(), right.key);
  },

  'requests at once get each their own answer': async (line) => {
    const { left, middle, right } = line;
    const texts = Array.from({ length: 6 }, (_, index) => `question ${index}`);
    const answers = await Promise.all(
      texts.map((text, index) => asks(line, index % 2 === 0 ? left : right, middle.key, text)),
    );
    assert.deepEqual(
      answers.map(([frame]) => Buffer.from(frame!).toString()),
      texts,
    );
  },

  'a refusal, an answer above the bound and one that is late are failures': async (line) => {
    const { left, middle } = line;
    await assert.rejects(asks(line, left, middle.key, 'refuse'));
    await assert.rejects(asks(line, left, middle.key, 'frames 11 10', { responseBytesMax: 109 }));
    assert.equal((await asks(line, left, middle.key, 'frames 11 10', { responseBytesMax: 110 })).length, 11);
    await assert.rejects(asks(line, left, middle.key, slowQuestion, { timeoutMs: impatientMs }));
    assert.equal(
      (await asks(line, left, middle.key, 'and after it')).length,
      3,
      'the link is as good as before',
    );
  },

  'who is not up cannot be asked': async (line) => {
    const { left, right } = line;
    await assert.rejects(asks(line, left, right.key, 'hello'));
    await assert.rejects(asks(line, left, 'ab'.repeat(32), 'hello'));
  },

  'a peer that stops is down once, and gone for all purposes': async (line) => {
    const { world, left, middle, right } = line;
    await right.stop();
    await world.until('its neighbour is told', () => middle.down.length > 0);
    assert.deepEqual(middle.down, [right.key]);
    assert.deepEqual(left.down, []);
    await assert.rejects(asks(line, middle, right.key, 'hello'));
    const before = right.heard.length;
    left.announce('without it');
    await world.until('the others go on', () => hears(middle, 'without it'));
    assert.equal(right.heard.length, before);
  },

  'a peer that comes back is up once more, and takes part as before': async (line) => {
    const { world, left, middle, right } = line;
    await right.start();
    await world.until('both ends are told', () => middle.up.length === 3 && right.up.length === 2);
    assert.equal(middle.up[2], right.key);
    assert.equal(right.up[1], middle.key);
    assert.deepEqual(middle.down, [right.key]);
    assert.equal((await asks(line, middle, right.key, 'hello')).length, 3);
    // The mesh of gossip needs a moment; what is announced before that is for repair to bring.
    let said = 0;
    await world.until('it hears again', () => {
      left.announce(`anew ${said++}`);
      return textsOf(right).some((text) => text.startsWith('anew'));
    });
  },
};

export function transportContract(name: string, create: () => Promise<TransportWorld>): void {
  describe(`${name} is a transport`, () => {
    let world: TransportWorld;

    before(async () => {
      world = await create();
    });
    after(() => world.end());

    for (const [promise, holds] of Object.entries(promises)) {
      test(promise, () => {
        const [left, middle, right] = world.peers;
        return holds({ world, left, middle, right });
      });
    }
  });
}
