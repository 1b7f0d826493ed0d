import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/network/backoff.ts';
import {
  defaultLinkLimits,
  failedLink,
  type LinkLimits,
  type PeerLink,
  selectPeers,
} from '../../src/network/peer-selection.ts';

const NOW = 1_000_000;
const limits: LinkLimits = { ...defaultLinkLimits, knownMax: 40 };

const linkArbitrary: fc.Arbitrary<PeerLink> = fc.oneof(
  fc.record({ kind: fc.constant('known' as const), sinceMs: fc.integer({ min: 0, max: NOW }) }),
  fc.record({ kind: fc.constant('dialling' as const), attempts: fc.nat(5), sinceMs: fc.nat(NOW) }),
  fc.record({
    kind: fc.constant('failed' as const),
    attempts: fc.integer({ min: 1, max: 20 }),
    failedAtMs: fc.integer({ min: 0, max: NOW }),
    retryAtMs: fc.integer({ min: NOW - 1000, max: NOW + 1000 }),
  }),
  fc.record({
    kind: fc.constant('linked' as const),
    sinceMs: fc.integer({ min: NOW - 2 * limits.settleMs, max: NOW }),
    deafSinceMs: fc.option(fc.integer({ min: NOW - 2 * limits.deafMs, max: NOW })),
  }),
);

const linksArbitrary = fc
  .array(linkArbitrary, { maxLength: 80 })
  .map((links) => new Map(links.map((link, index) => [index.toString(16).padStart(64, '0'), link] as const)));

const randomArbitrary = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

const isDeaf = (link: PeerLink) =>
  link.kind === 'linked' && link.deafSinceMs !== null && NOW - link.deafSinceMs >= limits.deafMs;

function decided(links: ReadonlyMap<string, PeerLink>, stream: fc.Stream<number>) {
  return selectPeers(links, NOW, limits, () => stream.next().value as number);
}

test('dials only who may be dialled, and never past the target', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { dial } = decided(links, stream);
      const all = [...links.values()];
      const linked = all.filter((link) => link.kind === 'linked' && !isDeaf(link)).length;
      const dialling = all.filter(({ kind }) => kind === 'dialling').length;
      assert.equal(new Set(dial).size, dial.length);
      for (const peer of dial) {
        const link = links.get(peer)!;
        assert.ok(link.kind === 'known' || (link.kind === 'failed' && link.retryAtMs <= NOW));
      }
      if (dial.length > 0) {
        assert.ok(linked < limits.peersMin);
        assert.ok(linked + dialling + dial.length <= limits.peersTarget);
        assert.ok(dialling + dial.length <= limits.dialsMax);
      }
      const candidates = all.filter(
        (link) => link.kind === 'known' || (link.kind === 'failed' && link.retryAtMs <= NOW),
      ).length;
      if (linked < limits.peersMin && linked + dialling < limits.peersTarget && dialling < limits.dialsMax) {
        assert.ok(dial.length > 0 || candidates === 0, 'somebody is dialled where peers are missing');
      }
    }),
  );
});

test('closes every deaf link, and settled ones above the bound down to the target', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { close } = decided(links, stream);
      const deaf = [...links].filter(([, link]) => isDeaf(link)).map(([peer]) => peer);
      assert.deepEqual(
        close
          .filter(({ reason }) => reason === 'deaf')
          .map(({ peer }) => peer)
          .sort(),
        deaf.sort(),
      );
      const linked = [...links.values()].filter((link) => link.kind === 'linked').length - deaf.length;
      const tooMany = close.filter(({ reason }) => reason === 'too-many');
      if (linked <= limits.peersMax) {
        assert.equal(tooMany.length, 0);
      }
      assert.ok(linked - tooMany.length >= Math.min(linked, limits.peersTarget));
      for (const { peer } of tooMany) {
        const link = links.get(peer)!;
        assert.ok(link.kind === 'linked' && NOW - link.sinceMs >= limits.settleMs && !isDeaf(link));
      }
    }),
  );
});

test('forgets to the bound, the worst first, and never who is linked or about to be', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { dial, forget } = decided(links, stream);
      const kept = [...links].filter(([peer]) => !forget.includes(peer));
      const forgettable = (peer: string, link: PeerLink) =>
        (link.kind === 'known' || link.kind === 'failed') && !dial.includes(peer);
      assert.ok(kept.length <= limits.knownMax || !kept.some(([peer, link]) => forgettable(peer, link)));
      assert.ok(links.size > limits.knownMax || forget.length === 0);
      const attempts = (link: PeerLink) => (link.kind === 'failed' ? link.attempts : 0);
      const best = Math.min(...forget.map((peer) => attempts(links.get(peer)!)));
      for (const [peer, link] of kept) {
        assert.ok(!forgettable(peer, link) || attempts(link) <= best);
      }
      assert.ok(forget.every((peer) => forgettable(peer, links.get(peer)!)));
    }),
  );
});

test('waits double up to the bound and keep at least half', () => {
  fc.assert(
    fc.property(
      fc.nat(2000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, chance) => {
        const wait = backoffMs(attempt, limits.retry, () => chance);
        const ceiling = Math.min(limits.retry.maxMs, limits.retry.firstMs * 2 ** Math.min(attempt, 30));
        assert.ok(wait >= ceiling / 2 && wait <= ceiling);
      },
    ),
  );
  const link = failedLink(1, NOW, limits, () => 0);
  assert.deepEqual(link, { kind: 'failed', attempts: 1, failedAtMs: NOW, retryAtMs: NOW + 250 });
});
