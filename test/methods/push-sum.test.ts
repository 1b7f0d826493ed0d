/** Conservation of mass: under loss, and under whatever fast-check thinks of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import { createMixingPeer } from '../../src/methods/mixing/create-mixing-peer.ts';
import { PushSumLedger, type Transfer } from '../../src/methods/sgp/push-sum-ledger.ts';
import { createTopology } from '../../src/methods/topologies/registry.ts';
import { farthest, normals } from './random-vectors.ts';

interface World {
  ledgers: PushSumLedger[];
  /** Messages that are on their way, to arrive any time, any number of times, or never. */
  readonly air: { from: number; to: number; transfer: Transfer }[];
}

function worldOf(peers: number, seed: string, patience = 4): World {
  const start = normals(peers, 3, seed);
  return { ledgers: start.map((x) => new PushSumLedger(x, 1, undefined, patience)), air: [] };
}

/** What all hold, and what is neither here nor there: given and not yet taken. */
function total({ ledgers }: World): number[] {
  const sum = [0, 0, 0, 0];
  const add = (mass: ArrayLike<number>, weight: number, sign = 1) => {
    for (let k = 0; k < 3; k++) sum[k]! += sign * mass[k]!;
    sum[3]! += sign * weight;
  };
  for (const [from, ledger] of ledgers.entries()) {
    add(ledger.mass, ledger.weight);
    if (ledger.debt) add(ledger.debt.mass, ledger.debt.weight, -1);
    for (const transfer of ledger.outgoing()) {
      const isTaken = ledgers[transfer.to]!.hasTaken(from, transfer.id);
      // Given and not taken: nobody has it. Reclaimed though it was taken: two have it.
      if (transfer.kind === 'give' && !isTaken) add(transfer.mass, transfer.weight);
      if (transfer.kind === 'cancel' && isTaken) add(transfer.mass, transfer.weight, -1);
    }
  }
  return sum;
}

function assertEqualMass(now: readonly number[], before: readonly number[]): void {
  for (let k = 0; k < 4; k++) {
    assert.ok(Math.abs(now[k]! - before[k]!) < 1e-9, `component ${k}: ${now[k]} was ${before[k]}`);
  }
}

describe('push-sum', () => {
  test('mass is kept to 1e-9 under 20 % loss, and estimates come to the mean', () => {
    const n = 16;
    const world = worldOf(n, 'fact 5');
    const before = total(world);
    const topology = createTopology({ id: 'epidemic-local', fanout: 2 }, n, 'fact 5');
    const rng = rngFor('fact 5/loss');
    for (let round = 0; round < 120; round++) {
      for (const [to, row] of topology.matrix(round).entries()) {
        for (const [from, weight] of row) if (from !== to) world.ledgers[from]!.send(to, weight);
      }
      for (const ledger of world.ledgers) ledger.settleSplit();
      for (const [from, ledger] of world.ledgers.entries()) {
        for (const transfer of ledger.outgoing()) {
          if (rng.float() < 0.2) continue;
          const isTaken = world.ledgers[transfer.to]!.receive(from, transfer);
          if (rng.float() >= 0.2) ledger.acknowledge(transfer.id, isTaken);
        }
        ledger.nextRound();
      }
      assertEqualMass(total(world), before);
    }
    const estimates = world.ledgers.map((ledger) => ledger.estimate()!);
    assert.ok(farthest(estimates) < 1e-6, String(farthest(estimates)));
    for (let k = 0; k < 3; k++) assert.ok(Math.abs(estimates[3]![k]! - before[k]! / n) < 1e-6);
  });

  test('no order, repetition or loss of messages, no restart from the store and no parting changes the sum', () => {
    const event = fc.record({
      kind: fc.constantFrom('send', 'offer', 'arrive', 'arrive', 'arrive', 'round', 'restart', 'leave'),
      a: fc.nat(3),
      b: fc.nat(3),
      c: fc.nat(1000),
      fraction: fc.double({ min: 0.01, max: 0.45, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        const world = worldOf(4, 'property', 2);
        const before = total(world);
        for (const { kind, a, b, c, fraction } of events) {
          const ledger = world.ledgers[a]!;
          if (kind === 'send' && a !== b) {
            ledger.send(b, fraction);
            ledger.settleSplit();
          } else if (kind === 'leave' && a !== b) ledger.handOff(b);
          else if (kind === 'offer') {
            for (const transfer of ledger.outgoing()) world.air.push({ from: a, to: transfer.to, transfer });
          } else if (kind === 'arrive' && world.air.length > 0) {
            const { from, to, transfer } = world.air[c % world.air.length]!;
            const isTaken = world.ledgers[to]!.receive(from, transfer);
            const stillOffered = world.ledgers[from]!.outgoing().find(({ id }) => id === transfer.id);
            // An answer belongs to the question: one to an earlier offer comes too late for the cancellation.
            if (c % 3 > 0 && stillOffered?.kind === transfer.kind)
              world.ledgers[from]!.acknowledge(transfer.id, isTaken);
          } else if (kind === 'round') ledger.nextRound();
          else if (kind === 'restart') {
            const restarted = new PushSumLedger(new Float64Array(3), 0, undefined, 2);
            restarted.restore(structuredClone(ledger.state()));
            world.ledgers[a] = restarted;
          }
          assertEqualMass(total(world), before);
        }
      }),
      { numRuns: 300, seed: 20261124 },
    );
  });

  test('a transfer to a peer that is gone is reclaimed, and the peer that returns does not take it', () => {
    const world = worldOf(2, 'gone', 3);
    const before = total(world);
    const [sender, gone] = world.ledgers as [PushSumLedger, PushSumLedger];
    sender.send(1, 0.5);
    sender.settleSplit();
    assert.equal(sender.weight, 0.5);
    const [offered] = sender.outgoing();
    for (let round = 0; round < 3; round++) sender.nextRound();
    assert.equal(sender.weight, 1, 'reclaimed');
    const [cancelled] = sender.outgoing();
    assert.equal(cancelled!.kind, 'cancel');
    assert.equal(gone.receive(0, cancelled!), false);
    assert.equal(gone.receive(0, offered!), false, 'the late original meets a tombstone');
    sender.acknowledge(cancelled!.id, false);
    assert.deepEqual(sender.outgoing(), []);
    assertEqualMass(total(world), before);
  });

  test('who restarts takes back what was under way, and gives up again what had arrived', () => {
    const world = worldOf(3, 'restart');
    const before = total(world);
    const [sender, lucky] = world.ledgers as [PushSumLedger, PushSumLedger];
    for (const to of [1, 2]) sender.send(to, 0.25);
    sender.settleSplit();
    const [arrived, lost] = sender.outgoing();
    assert.equal(lucky.receive(0, arrived!), true);
    const restarted = new PushSumLedger(new Float64Array(3), 0);
    restarted.restore(sender.state());
    world.ledgers[0] = restarted;
    assert.equal(restarted.weight, 1);
    assertEqualMass(total(world), before);
    for (const transfer of restarted.outgoing()) {
      assert.equal(transfer.kind, 'cancel');
      restarted.acknowledge(transfer.id, world.ledgers[transfer.to]!.receive(0, transfer));
    }
    assert.equal(restarted.weight, 0.75);
    assert.equal(world.ledgers[2]!.receive(0, lost!), false, 'what is late meets a tombstone');
    assertEqualMass(total(world), before);
  });

  test('who owes more than it holds pays from what comes in, and all agree on the mean that they began with', () => {
    const n = 6;
    const world = worldOf(n, 'debt', 2);
    const before = total(world);
    const [debtor, heir] = world.ledgers as [PushSumLedger, PushSumLedger];
    // All of its mass is taken, no answer comes, and what is reclaimed goes to others.
    debtor.handOff(1);
    const [given] = debtor.outgoing();
    assert.equal(heir.receive(0, given!), true);
    for (let round = 0; round < 2; round++) debtor.nextRound();
    const [cancelled] = debtor.outgoing();
    for (const to of [2, 3, 4]) debtor.send(to, 0.3);
    debtor.settleSplit();
    for (const transfer of debtor.outgoing().slice(1)) {
      debtor.acknowledge(transfer.id, world.ledgers[transfer.to]!.receive(0, transfer));
    }
    debtor.acknowledge(cancelled!.id, heir.receive(0, cancelled!));
    assert.deepEqual(debtor.outgoing(), [], 'the answer settles it for the receiver');
    assert.equal(debtor.debt!.weight, 1);
    assertEqualMass(total(world), before);

    const restarted = new PushSumLedger(new Float64Array(3), 0);
    restarted.restore(structuredClone(debtor.state()));
    assert.deepEqual(restarted.debt, debtor.debt);
    const topology = createTopology({ id: 'epidemic-local', fanout: 2 }, n, 'debt');
    const limit = Math.max(...normals(n, 3, 'debt').flatMap((x) => [...x.map(Math.abs)]));
    let isPaid = false;
    for (let round = 0; round < 80; round++) {
      for (const [to, row] of topology.matrix(round).entries()) {
        for (const [from, weight] of row) if (from !== to) world.ledgers[from]!.send(to, weight);
      }
      for (const ledger of world.ledgers) ledger.settleSplit();
      for (const [from, ledger] of world.ledgers.entries()) {
        for (const transfer of ledger.outgoing()) {
          ledger.acknowledge(transfer.id, world.ledgers[transfer.to]!.receive(from, transfer));
        }
      }
      for (const ledger of world.ledgers) ledger.nextRound();
      assertEqualMass(total(world), before);
      isPaid ||= debtor.debt === null;
      const estimate = debtor.estimate()!;
      assert.ok(
        estimate.every((value) => Math.abs(value) <= 3 * limit),
        `round ${round}: ${estimate}`,
      );
    }
    assert.ok(isPaid);
    for (const ledger of world.ledgers) {
      for (let k = 0; k < 3; k++) assert.ok(Math.abs(ledger.estimate()![k]! - before[k]! / n) < 1e-9);
    }
  });

  test('who leaves hands everything on, and holds nothing', () => {
    const world = worldOf(2, 'leave');
    const [leaver, heir] = world.ledgers as [PushSumLedger, PushSumLedger];
    const before = total(world);
    leaver.handOff(1);
    assert.equal(leaver.weight, 0);
    assert.equal(leaver.estimate(), null);
    const [transfer] = leaver.outgoing();
    leaver.acknowledge(transfer!.id, heir.receive(0, transfer!));
    assert.equal(heir.weight, 2);
    assertEqualMass(total(world), before);
  });

  test('more than all cannot leave', () => {
    const ledger = new PushSumLedger(Float64Array.of(1), 1);
    ledger.send(1, 0.7);
    ledger.send(2, 0.7);
    assert.throws(() => ledger.settleSplit(), RangeError);
  });
});

test('who has given most of its weight away to somebody that answers nothing moves by no more than it has learned', () => {
  const peer = createMixingPeer(
    { id: 'sgp' },
    { initial: Float64Array.of(1, 1), rounds: 100, random: () => 0.5 },
  );
  const deaf = { self: 0, to: new Map([[1, 0.5]]), from: null };
  for (let round = 0; round < 6; round++) {
    peer.pack(round, deaf, null);
    peer.mix(round, deaf, null, []);
  }
  peer.pack(6, { ...deaf, to: new Map() }, Float64Array.of(1, -1));
  // A 64th of the weight is left.
  assert.deepEqual([...peer.model], [2, 0]);
});
