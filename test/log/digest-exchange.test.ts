/** What peers may make us remember of their sets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DigestExchange } from '../../src/log/repair/digest-exchange.ts';
import { Replica } from '../../src/log/replica.ts';
import { roundsPerDigestMax } from '../../src/log/wire.ts';
import { contextOf, crypto, smallRun } from './small-run.ts';

test('whoever is far behind remembers votes of the rounds that it can ask for, and of no later ones', () => {
  const context = contextOf(smallRun({ rounds: 100_000 }));
  const replica = new Replica({ ...context, crypto });
  const exchange = new DigestExchange({ replica, random: Math.random, isOurs: true });
  const view = {
    ...{ slot: 50_000, isComplete: false, windowRounds: 3, isJoining: true },
    follows: () => true,
  };
  const voted = new Set<number>();
  for (let from = 0; from < 1000; from += roundsPerDigestMax) {
    const digests = Array.from({ length: roundsPerDigestMax }, () => new Uint8Array(32).fill(7));
    const request = {
      ...({ kind: 'digest', finalised: -1, work: 0, from, digests } as const),
      root: replica.base.root,
    };
    for (const finding of exchange.heard('a peer', request, view)) {
      if (finding.kind === 'vote') voted.add(finding.round);
    }
  }
  assert.deepEqual([Math.min(...voted), Math.max(...voted)], [0, roundsPerDigestMax - 1]);
});
