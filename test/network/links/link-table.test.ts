import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type LinkAction, type LinkInput, LinkTable } from '../../../src/network/links/link-table.ts';
import { defaultLinkLimits, type LinkLimits } from '../../../src/network/links/peer-selection.ts';

const NOBODY: ReadonlySet<string> = new Set();
const SELF = 'self';

class TestTable {
  nowMs = 1_000_000;
  readonly table: LinkTable;

  constructor(limits: Partial<LinkLimits> = {}) {
    this.table = new LinkTable({
      limits: { ...defaultLinkLimits, ...limits },
      random: () => 0.5,
      self: SELF,
    });
  }

  tell(input: LinkInput): LinkAction[] {
    return this.table.handle(input, this.nowMs);
  }

  /** The actions of one kind, as names of peers. */
  told(type: LinkAction['type'], input: LinkInput): string[] {
    return this.tell(input).flatMap((action) =>
      action.type === type && 'peer' in action ? [action.peer] : [],
    );
  }

  review(heard: ReadonlySet<string> = new Set(this.table.peers())): LinkAction[] {
    return this.tell({ type: 'review', heard });
  }

  speaks(peer: string, dialled = false, origin: string | null = null): string[] {
    return this.told('peer-up', { type: 'speaks', peer, dialled, origin });
  }

  passes(ms: number): void {
    this.nowMs += ms;
  }
}

const ofType = (type: LinkAction['type'], actions: readonly LinkAction[]) =>
  actions.flatMap((action) => (action.type === type && 'peer' in action ? [action.peer] : []));

describe('links as a table', () => {
  test('a peer that is found is dialled at the next look, and is up once it speaks', () => {
    const links = new TestTable();
    assert.deepEqual(links.tell({ type: 'found', peer: 'a' }), [{ type: 'hurry' }]);
    assert.deepEqual(links.tell({ type: 'found', peer: 'a' }), [], 'found twice is found once');
    assert.deepEqual(links.tell({ type: 'found', peer: SELF }), []);
    assert.deepEqual(ofType('dial', links.review()), ['a']);
    assert.deepEqual(ofType('dial', links.review()), [], 'one dial at a time');
    assert.deepEqual(links.table.peers(), []);
    assert.deepEqual(links.speaks('a', true), ['a']);
    assert.deepEqual(links.speaks('a', true), [], 'each change once');
    assert.deepEqual(links.table.peers(), ['a']);
  });

  test('a dial that fails is tried again later and later, and not beyond the bound', () => {
    const links = new TestTable();
    links.tell({ type: 'found', peer: 'a' });
    const waits: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const startMs = links.nowMs;
      while (ofType('dial', links.review()).length === 0) links.passes(50);
      waits.push(links.nowMs - startMs);
      assert.deepEqual(links.told('dial-failed', { type: 'dial-failed', peer: 'a', reason: 'no' }), ['a']);
    }
    assert.deepEqual(waits.slice(0, 4), [0, 400, 750, 1500]);
    assert.ok(waits.at(-1)! <= defaultLinkLimits.retry.maxMs);
    assert.deepEqual(links.tell({ type: 'dial-failed', peer: 'a', reason: 'late' }), [], 'it is no dial');
  });

  test('who is dialled and never speaks the protocol is given up', () => {
    const links = new TestTable();
    links.tell({ type: 'found', peer: 'a' });
    links.review();
    links.passes(9_000);
    assert.deepEqual(ofType('dial-failed', links.review()), []);
    links.passes(1_000);
    const [failed] = links.review();
    assert.deepEqual(failed, {
      type: 'dial-failed',
      peer: 'a',
      reason: 'it does not take part in the run',
    });
  });

  test('a peer that leaves the run is down although its connection stays', () => {
    const links = new TestTable();
    links.speaks('a');
    const actions = links.tell({ type: 'mute', peer: 'a' });
    assert.deepEqual(ofType('peer-down', actions), ['a']);
    assert.deepEqual(ofType('unkeep', actions), ['a'], 'or libp2p would restore it for ever');
    assert.deepEqual(ofType('peer-down', links.tell({ type: 'mute', peer: 'a' })), []);
    assert.deepEqual(links.speaks('a'), ['a'], 'and it may come back');
  });

  test('only settled links are restored by libp2p, and no more than the target', () => {
    const links = new TestTable({ peersTarget: 2 });
    for (const peer of ['a', 'b', 'c']) links.speaks(peer);
    assert.deepEqual(ofType('keep', links.review()), []);
    links.passes(defaultLinkLimits.settleMs);
    assert.deepEqual(ofType('keep', links.review()), ['a', 'b']);
    assert.deepEqual(ofType('keep', links.review()), []);
    assert.deepEqual(links.told('peer-down', { type: 'disconnected', peer: 'a' }), ['a']);
    assert.deepEqual(ofType('keep', links.review()), ['c']);
    const again = links.tell({ type: 'speaks', peer: 'a', dialled: true, origin: null });
    assert.deepEqual(ofType('unkeep', again), ['a'], 'it has to settle again');
  });

  test('links that break before they settle count as failures in a row', () => {
    const links = new TestTable();
    links.tell({ type: 'found', peer: 'a' });
    const waits: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const startMs = links.nowMs;
      while (ofType('dial', links.review()).length === 0) links.passes(10);
      waits.push(links.nowMs - startMs);
      links.speaks('a', true);
      links.passes(500);
      links.tell({ type: 'disconnected', peer: 'a' });
    }
    assert.deepEqual(waits, [0, 380, 750, 1500, 3000]);
    while (ofType('dial', links.review()).length === 0) links.passes(10);
    links.speaks('a', true);
    links.passes(defaultLinkLimits.settleMs);
    links.tell({ type: 'disconnected', peer: 'a' });
    links.passes(380);
    assert.deepEqual(ofType('dial', links.review()), ['a'], 'a settled one starts over');
  });

  test('a deaf link is let go, and one that another run holds stays parted until it is dialled', () => {
    const links = new TestTable({ deafMs: 3_000 });
    links.speaks('a');
    links.review(NOBODY);
    links.passes(2_000);
    links.review(new Set(['a']));
    links.passes(2_000);
    assert.deepEqual(ofType('let-go', links.review(NOBODY)), [], 'it was heard in between');
    links.passes(3_000);
    const actions = links.review(NOBODY);
    assert.deepEqual(
      actions.map(({ type }) => type),
      ['let-go', 'peer-down'],
    );
    assert.deepEqual(links.speaks('a'), [], 'what it says of itself does not bring it back');
    links.passes(1_000);
    assert.deepEqual(ofType('dial', links.review()), ['a']);
    assert.deepEqual(links.speaks('a', true), ['a']);
  });

  test('a connection that was closed when we let go may be opened by the other side', () => {
    const links = new TestTable({ deafMs: 1_000 });
    links.speaks('a');
    links.review(NOBODY);
    links.passes(1_000);
    links.review(NOBODY);
    assert.deepEqual(links.tell({ type: 'disconnected', peer: 'a' }), [], 'it was down already');
    assert.deepEqual(links.speaks('a'), ['a']);
  });

  test('a flood of names is forgotten to the bound, and fills the table twice over at most until then', () => {
    const links = new TestTable({ knownMax: 50 });
    for (let index = 0; index < 5_000; index++) links.tell({ type: 'found', peer: `name ${index}` });
    const forgotten = links.review().filter(({ type }) => type === 'unkeep').length;
    assert.equal(forgotten, 50);
    assert.equal(links.tell({ type: 'stop' }).length, 50);
  });

  test('the run leaves: everybody is down once, nothing is remembered', () => {
    const links = new TestTable();
    for (const peer of ['a', 'b']) links.speaks(peer);
    links.tell({ type: 'found', peer: 'c' });
    const actions = links.tell({ type: 'stop' });
    assert.deepEqual(ofType('peer-down', actions), ['a', 'b']);
    assert.deepEqual(ofType('unkeep', actions), ['a', 'b', 'c']);
    assert.deepEqual(links.tell({ type: 'stop' }), []);
    assert.deepEqual(links.review(), []);
  });

  test('peers are missing below the least number, and while a wanted one is not up', () => {
    const few = new TestTable({ peersMin: 1, chosenMin: 0 });
    assert.ok(few.table.peersMissing());
    few.speaks('a');
    assert.ok(!few.table.peersMissing());
    const wanting = new TestTable({ peersMin: 0, wanted: new Set(['w']) });
    assert.ok(wanting.table.peersMissing());
    wanting.tell({ type: 'found', peer: 'w' });
    assert.deepEqual(ofType('dial', wanting.review()), ['w']);
    wanting.speaks('w', true);
    assert.ok(!wanting.table.peersMissing());
  });
});

type Step = LinkInput | { readonly type: 'time'; readonly ms: number };

const peerArbitrary = fc.nat(30).map((index) => `peer ${index}`);
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('time' as const), ms: fc.nat(20_000) }),
  fc.record({ type: fc.constant('found' as const), peer: peerArbitrary }),
  fc.record({
    type: fc.constant('speaks' as const),
    peer: peerArbitrary,
    dialled: fc.boolean(),
    origin: fc.constantFrom(null, 'here', 'there'),
  }),
  fc.record({ type: fc.constantFrom('mute', 'disconnected', 'useful'), peer: peerArbitrary }),
  fc.record({ type: fc.constant('dial-failed' as const), peer: peerArbitrary, reason: fc.constant('no') }),
  fc.record({
    type: fc.constant('review' as const),
    heard: fc.array(peerArbitrary).map((peers) => new Set(peers)),
  }),
);

test('whatever happens, up and down take turns, dials go to who is not up, and links stay few', () => {
  const limits = { peersMin: 3, peersTarget: 4, peersMax: 6, youngMax: 2, knownMax: 10 };
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 200 }), (steps) => {
      const links = new TestTable(limits);
      const up = new Set<string>();
      for (const step of steps) {
        if (step.type === 'time') {
          links.passes(step.ms);
          continue;
        }
        for (const action of links.tell(step)) {
          if (action.type === 'peer-up') {
            assert.ok(!up.has(action.peer), 'up twice');
            up.add(action.peer);
          } else if (action.type === 'peer-down') {
            assert.ok(up.delete(action.peer), 'down without having been up');
          } else if (action.type === 'dial') {
            assert.ok(!up.has(action.peer));
          }
        }
        assert.deepEqual(new Set(links.table.peers()), up);
      }
      links.passes(60_000);
      links.review();
      assert.ok(links.table.peers().length <= limits.peersMax);
    }),
  );
});
