import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { defaultExchangeLimits, type ExchangeLimits } from '../../../src/network/exchange/limits.ts';
import { type Admission, type SeatId, Seats } from '../../../src/network/exchange/seats.ts';

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

function seatOf(admission: Admission): SeatId {
  assert.equal(admission.kind, 'admitted');
  return admission.kind === 'admitted' ? admission.seat : -1;
}

/** Two peers with two seats each: all there are. */
function full(nowMs = 0): { seats: Seats; ids: SeatId[] } {
  const seats = new Seats(limits);
  const ids = ['a', 'a', 'b', 'b'].map((peer) => seatOf(seats.admit(peer, nowMs)));
  return { seats, ids };
}

describe('seats of inbound requests', () => {
  test('a peer has so many and no more, and gets them back', () => {
    const seats = new Seats(limits);
    const first = seatOf(seats.admit('a', 0));
    seats.admit('a', 0);
    assert.deepEqual(seats.admit('a', 60_000), { kind: 'busy' });
    seats.free(first);
    assert.equal(seats.admit('a', 0).kind, 'admitted');
  });

  test('where all are taken, the oldest slow one goes to a peer that has fewer', () => {
    const { seats, ids } = full();
    assert.deepEqual(seats.admit('c', 999), { kind: 'busy' }, 'nobody is slow yet');
    const admission = seats.admit('c', 1_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[0]);
    assert.equal(seats.size, 4);
  });

  test('many keys of one address have as many as four peers, and give way as one', () => {
    const roomy = new Seats({ ...limits, inboundMax: 100 });
    const kinds = Array.from({ length: 10 }, (_, key) => roomy.admit(`key ${key}`, 0, 'there').kind);
    assert.equal(kinds.filter((kind) => kind === 'admitted').length, 8);
    assert.equal(roomy.admit('another', 0, 'elsewhere').kind, 'admitted');
    const seats = new Seats(limits);
    const first = seatOf(seats.admit('key 0', 0, 'there'));
    for (const key of ['key 1', 'key 2', 'key 3']) seats.admit(key, 0, 'there');
    const admission = seats.admit('c', 1_000, 'elsewhere');
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, first);
    assert.deepEqual(seats.admit('key 4', 1_000, 'there'), { kind: 'busy' });
  });

  test('a quick request keeps its seat', () => {
    const { seats, ids } = full();
    for (const id of ids) seats.moved(id, 100);
    assert.deepEqual(seats.admit('c', 1_999), { kind: 'busy' });
    seats.moved(ids[0]!, 100);
    const admission = seats.admit('c', 2_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[1], 'the first is quicker');
  });

  test('a request that waits for us keeps its seat, and one whose asker dawdles over the answer does not', () => {
    const { seats, ids } = full();
    for (const id of ids) seats.enter(id, 'serving', 0);
    assert.deepEqual(seats.admit('c', 60_000), { kind: 'busy' });
    seats.enter(ids[2]!, 'answering', 60_000);
    const admission = seats.admit('c', 61_000);
    assert.ok(admission.kind === 'admitted');
    assert.equal(admission.lost, ids[2]);
  });

  test('a peer that has as many takes nothing from another', () => {
    const { seats } = full();
    assert.equal(seats.admit('c', 1_000).kind, 'admitted');
    assert.equal(seats.admit('c', 1_000).kind, 'admitted');
    // a and b have one each now, or none; c has two.
    assert.equal(seats.admit('d', 1_999).kind, 'admitted');
    assert.deepEqual(seats.admit('c', 60_000), { kind: 'busy' });
  });

  test('memory for what is announced is limited, and slow ones give theirs back', () => {
    const seats = new Seats(limits);
    const slow = seatOf(seats.admit('a', 0));
    assert.deepEqual(seats.hold(slow, 600, 0), []);
    const second = seatOf(seats.admit('b', 500));
    assert.equal(seats.hold(second, 600, 500), null, 'there is no room and nobody is slow');
    assert.deepEqual(seats.hold(second, 400, 500), []);
    const third = seatOf(seats.admit('c', 1_200));
    assert.deepEqual(seats.hold(third, 600, 1_200), [slow]);
    assert.equal(seats.size, 2);
  });

  test('one request always fits, and its time grows with what came of it', () => {
    const seats = new Seats({ ...limits, inboundBytesMax: 1 });
    const id = seatOf(seats.admit('a', 0));
    assert.deepEqual(seats.hold(id, 600, 0), []);
    assert.equal(seats.receiveByMs(id), 5_000);
    seats.moved(id, 300);
    assert.equal(seats.receiveByMs(id), 8_000);
    seats.free(id);
    assert.equal(seats.receiveByMs(id), 0);
  });

  test('whatever comes, the bounds hold and nobody loses a seat to a greedier peer', () => {
    const step = fc.record({
      peer: fc.nat(6).map(String),
      ms: fc.nat(3_000),
      what: fc.constantFrom('admit', 'hold', 'moved', 'serving', 'answering', 'free'),
      amount: fc.nat(600),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const seats = new Seats(limits);
        const held = new Map<SeatId, { peer: string; bytes: number }>();
        const countOf = (peer: string) => [...held.values()].filter((seat) => seat.peer === peer).length;
        let nowMs = 0;
        for (const { peer, ms, what, amount } of steps) {
          nowMs += ms;
          const mine = [...held].find(([, seat]) => seat.peer === peer)?.[0];
          if (what === 'admit') {
            const admission = seats.admit(peer, nowMs);
            if (admission.kind === 'busy') continue;
            if (admission.lost !== null) {
              assert.ok(countOf(held.get(admission.lost)!.peer) > countOf(peer));
              held.delete(admission.lost);
            }
            held.set(admission.seat, { peer, bytes: 0 });
          } else if (mine === undefined) {
            continue;
          } else if (what === 'hold') {
            const lost = seats.hold(mine, amount, nowMs);
            if (lost === null) continue;
            for (const other of lost) held.delete(other);
            held.get(mine)!.bytes += amount;
          } else if (what === 'moved') {
            seats.moved(mine, amount);
          } else if (what === 'free') {
            seats.free(mine);
            held.delete(mine);
          } else if (what === 'serving' || what === 'answering') {
            seats.enter(mine, what, nowMs);
          }
          assert.equal(seats.size, held.size);
          assert.ok(held.size <= limits.inboundMax);
          assert.ok([...held.values()].every((seat) => countOf(seat.peer) <= limits.inboundPerPeerMax));
          assert.ok([...held.values()].reduce((sum, { bytes }) => sum + bytes, 0) <= limits.inboundBytesMax);
        }
      }),
    );
  });
});
