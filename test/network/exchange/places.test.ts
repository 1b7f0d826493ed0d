import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { defaultExchangeLimits, type ExchangeLimits } from '../../../src/network/exchange/limits.ts';
import { type Admission, type PlaceId, Places } from '../../../src/network/exchange/places.ts';

const limits: ExchangeLimits = {
  ...defaultExchangeLimits,
  inboundMax: 4,
  inboundPerPeerMax: 2,
  inboundBytesMax: 1_000,
  requestBytesMax: 600,
  receiveTimeoutMs: 5_000,
  patienceMs: 1_000,
  paceBytesPerSecond: 100,
};

function placeOf(admission: Admission): PlaceId {
  assert.equal(admission.kind, 'admitted');
  return admission.kind === 'admitted' ? admission.place : -1;
}

/** Two peers with two places each: all there are. */
function full(nowMs = 0): { places: Places; ids: PlaceId[] } {
  const places = new Places(limits);
  const ids = ['a', 'a', 'b', 'b'].map((peer) => placeOf(places.admit(peer, nowMs)));
  return { places, ids };
}

describe('places of inbound requests', () => {
  test('a peer has so many and no more, and gets them back', () => {
    const places = new Places(limits);
    const first = placeOf(places.admit('a', 0));
    places.admit('a', 0);
    assert.deepEqual(places.admit('a', 60_000), { kind: 'busy' });
    places.free(first);
    assert.equal(places.admit('a', 0).kind, 'admitted');
  });

  test('where all are taken, the oldest slow one goes to a peer that has fewer', () => {
    const { places, ids } = full();
    assert.deepEqual(places.admit('c', 999), { kind: 'busy' }, 'nobody is slow yet');
    const admission = places.admit('c', 1_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[0]);
    assert.equal(places.size, 4);
  });

  test('a quick request keeps its place', () => {
    const { places, ids } = full();
    for (const id of ids) places.moved(id, 100);
    assert.deepEqual(places.admit('c', 1_999), { kind: 'busy' });
    places.moved(ids[0]!, 100);
    const admission = places.admit('c', 2_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[1], 'the first is quicker');
  });

  test('a request that waits for us keeps its place, and one whose asker dawdles over the answer does not', () => {
    const { places, ids } = full();
    for (const id of ids) places.enter(id, 'serving', 0);
    assert.deepEqual(places.admit('c', 60_000), { kind: 'busy' });
    places.enter(ids[2]!, 'answering', 60_000);
    const admission = places.admit('c', 61_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[2]);
  });

  test('a peer that has as many takes nothing from another', () => {
    const { places } = full();
    assert.equal(places.admit('c', 1_000).kind, 'admitted');
    assert.equal(places.admit('c', 1_000).kind, 'admitted');
    // a and b have one each now, or none; c has two.
    assert.equal(places.admit('d', 1_999).kind, 'admitted');
    assert.deepEqual(places.admit('c', 60_000), { kind: 'busy' });
  });

  test('memory for what is announced is limited, and slow ones give theirs back', () => {
    const places = new Places(limits);
    const slow = placeOf(places.admit('a', 0));
    assert.deepEqual(places.hold(slow, 600, 0), []);
    const second = placeOf(places.admit('b', 500));
    assert.equal(places.hold(second, 600, 500), null, 'there is no room and nobody is slow');
    assert.deepEqual(places.hold(second, 400, 500), []);
    const third = placeOf(places.admit('c', 1_200));
    assert.deepEqual(places.hold(third, 600, 1_200), [slow]);
    assert.equal(places.size, 2);
  });

  test('one request always fits, and its time grows with what came of it', () => {
    const places = new Places({ ...limits, inboundBytesMax: 1 });
    const id = placeOf(places.admit('a', 0));
    assert.deepEqual(places.hold(id, 600, 0), []);
    assert.equal(places.receiveByMs(id), 5_000);
    places.moved(id, 300);
    assert.equal(places.receiveByMs(id), 8_000);
    places.free(id);
    assert.equal(places.receiveByMs(id), 0);
  });

  test('whatever comes, the bounds hold and nobody loses a place to a greedier peer', () => {
    const step = fc.record({
      peer: fc.nat(6).map(String),
      ms: fc.nat(3_000),
      what: fc.constantFrom('admit', 'hold', 'moved', 'serving', 'answering', 'free'),
      amount: fc.nat(600),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const places = new Places(limits);
        const held = new Map<PlaceId, { peer: string; bytes: number }>();
        const countOf = (peer: string) => [...held.values()].filter((place) => place.peer === peer).length;
        let nowMs = 0;
        for (const { peer, ms, what, amount } of steps) {
          nowMs += ms;
          const mine = [...held].find(([, place]) => place.peer === peer)?.[0];
          if (what === 'admit') {
            const admission = places.admit(peer, nowMs);
            if (admission.kind === 'busy') continue;
            if (admission.lost !== null) {
              assert.ok(countOf(held.get(admission.lost)!.peer) > countOf(peer));
              held.delete(admission.lost);
            }
            held.set(admission.place, { peer, bytes: 0 });
          } else if (mine === undefined) {
            continue;
          } else if (what === 'hold') {
            const lost = places.hold(mine, amount, nowMs);
            if (lost === null) continue;
            for (const other of lost) held.delete(other);
            held.get(mine)!.bytes += amount;
          } else if (what === 'moved') {
            places.moved(mine, amount);
          } else if (what === 'free') {
            places.free(mine);
            held.delete(mine);
          } else if (what === 'serving' || what === 'answering') {
            places.enter(mine, what, nowMs);
          }
          assert.equal(places.size, held.size);
          assert.ok(held.size <= limits.inboundMax);
          assert.ok([...held.values()].every((place) => countOf(place.peer) <= limits.inboundPerPeerMax));
          assert.ok([...held.values()].reduce((sum, { bytes }) => sum + bytes, 0) <= limits.inboundBytesMax);
        }
      }),
    );
  });
});
