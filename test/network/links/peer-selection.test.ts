import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../../src/core/backoff.ts';
import {
  defaultLinkLimits,
  isSettled,
  type Linked,
  type LinkLimits,
  type PeerLink,
  selectPeers,
} from '../../../src/network/links/peer-selection.ts';

const NOW = 1_000_000;
const limits: LinkLimits = { ...defaultLinkLimits, knownMax: 40 };

const provenance = {
  found: fc.boolean(),
  origin: fc.constantFrom(null, 'here', 'there', 'elsewhere'),
};

const linkArbitrary: fc.Arbitrary<PeerLink> = fc.oneof(
  fc.record({
    kind: fc.constant('known' as const),
    ...provenance,
    sinceMs: fc.integer({ min: 0, max: NOW }),
  }),
  fc.record({
    kind: fc.constant('dialling' as const),
    ...provenance,
    attempts: fc.nat(5),
    sinceMs: fc.nat(NOW),
  }),
  fc.record({
    ...provenance,
    kind: fc.constant('failed' as const),
    attempts: fc.integer({ min: 1, max: 20 }),
    failedAtMs: fc.integer({ min: 0, max: NOW }),
    retryAtMs: fc.integer({ min: NOW - 1000, max: NOW + 1000 }),
  }),
  fc.record({
    kind: fc.constant('parted' as const),
    ...provenance,
    attempts: fc.integer({ min: 1, max: 20 }),
    partedAtMs: fc.integer({ min: 0, max: NOW }),
    retryAtMs: fc.integer({ min: NOW - 1000, max: NOW + 1000 }),
  }),
  fc.record({
    kind: fc.constant('linked' as const),
    ...provenance,
    chosenUntilMs: fc.option(fc.constant(NOW + 1)),
    attempts: fc.nat(5),
    sinceMs: fc.integer({ min: NOW - 2 * limits.settleMs, max: NOW }),
    dialled: fc.boolean(),
    deafSinceMs: fc.option(fc.integer({ min: NOW - 2 * limits.deafMs, max: NOW })),
    usefulAtMs: fc.option(fc.integer({ min: NOW - 2 * limits.usefulMs, max: NOW })),
    kept: fc.boolean(),
  }),
);

const linksArbitrary = fc
  .array(linkArbitrary, { maxLength: 120 })
  .map((links) => new Map(links.map((link, index) => [index.toString(16).padStart(64, '0'), link] as const)));

const randomArbitrary = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

const mayBeDialled = (link: PeerLink) =>
  link.kind === 'known' || ((link.kind === 'failed' || link.kind === 'parted') && link.retryAtMs <= NOW);

const isDeaf = (link: PeerLink) =>
  link.kind === 'linked' && link.deafSinceMs !== null && NOW - link.deafSinceMs >= limits.deafMs;

function decided(links: ReadonlyMap<string, PeerLink>, stream: fc.Stream<number>) {
  return selectPeers(links, NOW, limits, () => stream.next().value as number, true);
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
        assert.ok(mayBeDialled(link));
      }
      if (dial.length > 0) {
        assert.ok(linked < limits.peersMin);
        assert.ok(linked + dialling + dial.length <= limits.peersTarget);
        assert.ok(dialling + dial.length <= limits.dialsMax);
      }
      const candidates = all.filter(mayBeDialled).length;
      if (linked < limits.peersMin && linked + dialling < limits.peersTarget && dialling < limits.dialsMax) {
        assert.ok(dial.length > 0 || candidates === 0, 'somebody is dialled where peers are missing');
      }
    }),
  );
});

test('chooses among those that were found and have not dialled us, where places are free and nobody is being dialled', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { choose, dial } = decided(links, stream);
      const ours = [...links.values()].filter(
        (link): link is Linked => link.kind === 'linked' && link.chosenUntilMs !== null && !isDeaf(link),
      );
      const places = placesOf(ours).length;
      const pool = [...links].filter(([, link]) =>
        link.kind === 'linked'
          ? link.dialled && link.chosenUntilMs === null && !isDeaf(link)
          : link.found && mayBeDialled(link),
      );
      const isFree = places < limits.chosenMin && ours.length < limits.peersMin;
      const isBusy = dial.length > 0 || [...links.values()].some(({ kind }) => kind === 'dialling');
      assert.equal(choose !== null, isFree && !isBusy && pool.length > 0);
      if (choose === null) return;
      const isNews = ({ origin }: PeerLink) => origin === null || ours.every((one) => one.origin !== origin);
      assert.ok(pool.some(([peer]) => peer === choose));
      assert.ok(isNews(links.get(choose)!) || !pool.some(([, link]) => isNews(link)), 'of another address');
    }),
  );
});

/** One of each address, and all of none; the first are the best, if they come in that order. */
function placesOf(chosen: readonly Linked[]): Linked[] {
  return chosen.filter(
    ({ origin }, index) => origin === null || chosen.findIndex((one) => one.origin === origin) === index,
  );
}

/** Links that are no more deaf than they should be, by age. */
function heard(links: ReadonlyMap<string, PeerLink>): {
  brief: string[];
  young: string[];
  settled: [string, Linked][];
} {
  const brief: string[] = [];
  const young: string[] = [];
  const settled: [string, Linked][] = [];
  for (const [peer, link] of links) {
    if (link.kind !== 'linked' || isDeaf(link)) continue;
    if (isSettled(link, NOW, limits)) settled.push([peer, link]);
    else young.push(peer);
    if (NOW - link.sinceMs < limits.briefMs) brief.push(peer);
  }
  return { brief, young, settled };
}

const usefulness = ({ usefulAtMs, chosenUntilMs }: Linked) =>
  (usefulAtMs !== null && NOW - usefulAtMs < limits.usefulMs ? 2 : 0) + (chosenUntilMs === null ? 0 : 1);

/** Peers that have a place of a chosen one. */
function placed(links: ReadonlyMap<string, PeerLink>): string[] {
  const chosen = [...links.values()].filter(
    (link): link is Linked => link.kind === 'linked' && link.chosenUntilMs !== null && !isDeaf(link),
  );
  chosen.sort((a, b) => usefulness(b) - usefulness(a) || a.sinceMs - b.sinceMs);
  const best = new Set<PeerLink>(placesOf(chosen).slice(0, limits.chosenMin));
  return [...links].filter(([, link]) => best.has(link)).map(([peer]) => peer);
}

test('closes every deaf link, and above the bound down to it', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { close } = decided(links, stream);
      const deaf = [...links].filter(([, link]) => isDeaf(link)).map(([peer]) => peer);
      const closed = (reason: string) =>
        close.flatMap((one) => (one.reason === reason ? [one.peer] : [])).sort();
      assert.deepEqual(closed('deaf'), deaf.sort());
      const tooMany = closed('too-many');
      const { brief, young, settled } = heard(links);
      const places = placed(links);
      assert.ok(
        tooMany.every((peer) => !places.includes(peer)),
        'a chosen one gives no place to others',
      );
      const linked = young.length + settled.length - Math.min(brief.length, limits.briefMax);
      assert.ok(tooMany.length <= Math.max(0, linked - limits.peersMax));
      // Short of it only where chosen ones, the best settled links and the places of young ones forbid it.
      const isFree = (peer: string) => !places.includes(peer);
      const spares = brief.length > limits.briefMax ? [] : brief;
      const counted = young.filter((peer) => isFree(peer) && !spares.includes(peer)).length;
      const free = settled.filter(([peer]) => isFree(peer)).length;
      const best = limits.peersMin - (settled.length - free);
      const closable = Math.max(0, counted - limits.youngMax) + Math.max(0, free - best);
      assert.equal(tooMany.length, Math.max(0, Math.min(linked - limits.peersMax, closable)));
      if (brief.length <= limits.briefMax) assert.ok(brief.every((peer) => !tooMany.includes(peer)));
    }),
  );
});

test('young links give way first, down to their places, and the best settled ones never', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const closed = new Set(decided(links, stream).close.map(({ peer }) => peer));
      const { brief, young, settled } = heard(links);
      const youngLeft = young.filter((peer) => !closed.has(peer)).length;
      assert.ok(youngLeft >= Math.min(young.length, limits.youngMax));
      const spared = Math.min(brief.length, limits.briefMax);
      const places = placed(links).length;
      if (settled.some(([peer]) => closed.has(peer)))
        assert.ok(youngLeft <= limits.youngMax + spared + places);
      const better = (one: Linked, other: Linked) =>
        usefulness(one) !== usefulness(other)
          ? usefulness(one) > usefulness(other)
          : one.sinceMs < other.sinceMs;
      for (const [peer, link] of settled) {
        const above = settled.filter(([, other]) => better(other, link)).length;
        if (closed.has(peer)) assert.ok(above >= 1, 'the best of all is never let go');
      }
      assert.ok(
        settled.filter(([peer]) => !closed.has(peer)).length >= Math.min(settled.length, limits.peersMin),
      );
    }),
  );
});

test('wave after wave of fresh keys cannot push out the peers that serve us', () => {
  const links = new Map<string, PeerLink>();
  const link = (sinceMs: number, changes: Partial<Linked> = {}): Linked => ({
    kind: 'linked',
    ...{ found: false, origin: null, attempts: 0, sinceMs },
    ...{ dialled: false, chosenUntilMs: null },
    deafSinceMs: null,
    usefulAtMs: null,
    kept: false,
    ...changes,
  });
  const honest = Array.from({ length: 12 }, (_, index) => `honest ${index}`);
  for (const peer of honest) links.set(peer, link(NOW, { dialled: true, found: true }));
  let nowMs = NOW + limits.settleMs;
  let linkedMax = 0;
  for (let second = 0; second < 600; second++) {
    for (let key = 0; key < 20; key++) links.set(`stranger ${second}/${key}`, link(nowMs));
    for (const peer of honest) {
      const known = links.get(peer);
      if (known?.kind === 'linked') links.set(peer, { ...known, usefulAtMs: nowMs });
    }
    // The very worst chance: it always hits the same end of the list.
    for (const random of [0, 0.999]) {
      for (const { peer } of selectPeers(links, nowMs, limits, () => random, false).close) links.delete(peer);
    }
    linkedMax = Math.max(linkedMax, links.size);
    nowMs += 1_000;
  }
  const left = honest.filter((peer) => links.has(peer)).length;
  assert.ok(left >= limits.peersMin, `${left} of 12 honest links are left`);
  assert.ok(linkedMax <= limits.peersMax + limits.briefMax, `${linkedMax} links at a time`);
});

test('forgets to the bound, the worst first, and never who is linked or about to be', () => {
  fc.assert(
    fc.property(linksArbitrary, randomArbitrary, (links, stream) => {
      const { dial, choose, forget } = decided(links, stream);
      const kept = [...links].filter(([peer]) => !forget.includes(peer));
      const forgettable = (peer: string, link: PeerLink) =>
        (link.kind === 'known' || link.kind === 'failed') && !dial.includes(peer) && peer !== choose;
      assert.ok(kept.length <= limits.knownMax || !kept.some(([peer, link]) => forgettable(peer, link)));
      assert.ok(links.size > limits.knownMax || forget.length === 0);
      // Whom nobody told us of is worse than any other.
      const badness = (link: PeerLink) =>
        (link.found ? 0 : 1_000) + (link.kind === 'failed' ? link.attempts : 0);
      const best = Math.min(...forget.map((peer) => badness(links.get(peer)!)));
      for (const [peer, link] of kept) {
        assert.ok(!forgettable(peer, link) || badness(link) <= best);
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
});
