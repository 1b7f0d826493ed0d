/** Places for peers that a node chooses itself, as the table of its links keeps them: by a clock of the test. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rngFor } from '../../../src/math/rng.ts';
import { type LinkAction, LinkTable } from '../../../src/network/links/link-table.ts';
import { defaultLinkLimits, type LinkLimits } from '../../../src/network/links/peer-selection.ts';

const beginsAtMs = 1_000_000;

/** The links of one node, and a world in which whoever is there can be dialled. */
class World {
  nowMs = beginsAtMs;
  dials = 0;
  readonly table: LinkTable;
  /** Where they are; others do not answer. */
  readonly there = new Map<string, string | null>();

  constructor(seed: string, limits: Partial<LinkLimits> = {}) {
    const rng = rngFor(seed);
    this.table = new LinkTable({
      limits: { ...defaultLinkLimits, ...limits },
      random: () => rng.float(),
      self: 'self',
    });
  }

  comes(peer: string, origin: string | null = null): void {
    this.there.set(peer, origin);
  }

  goes(peer: string): void {
    this.there.delete(peer);
    this.#do(this.table.handle({ type: 'disconnected', peer }, this.nowMs));
  }

  found(peer: string): void {
    this.#do(this.table.handle({ type: 'found', peer }, this.nowMs));
  }

  /** A connection of `peer` with us that it has opened, or that our DHT has. */
  connects(peer: string, dialled = false): void {
    const origin = this.there.get(peer) ?? null;
    this.#do(this.table.handle({ type: 'speaks', peer, dialled, origin }, this.nowMs));
  }

  useful(peer: string): void {
    this.table.handle({ type: 'useful', peer }, this.nowMs);
  }

  /** A look a second. */
  passes(seconds: number, each: () => void = () => {}): void {
    for (let second = 0; second < seconds; second++) {
      each();
      this.nowMs += 1_000;
      this.#do(this.table.handle({ type: 'review', heard: new Set(this.table.peers()) }, this.nowMs));
    }
  }

  linked(of: readonly string[]): number {
    return of.filter((peer) => this.table.isLinked(peer)).length;
  }

  #do(actions: readonly LinkAction[]): void {
    for (const action of actions) {
      if (action.type === 'dial') this.#dial(action.peer);
      if (action.type === 'let-go')
        this.#do(this.table.handle({ type: 'disconnected', peer: action.peer }, this.nowMs));
    }
  }

  #dial(peer: string): void {
    this.dials++;
    if (this.there.has(peer)) this.connects(peer, true);
    else this.#do(this.table.handle({ type: 'dial-failed', peer, reason: 'no answer' }, this.nowMs));
  }
}

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);
const { chosenMin, peersMin } = defaultLinkLimits;

describe('places that a node chooses for itself', () => {
  const strangers = named('stranger', 40);
  const honest = named('honest', 12);

  /** More strangers than there are places have dialled a node, and dial again whenever they are let go of. */
  function besieged(seed: string): World {
    const world = new World(seed);
    for (const peer of [...strangers, ...honest]) world.comes(peer);
    for (const peer of strangers) world.connects(peer);
    return world;
  }

  function siege(world: World): void {
    for (const peer of strangers) {
      if (!world.table.isLinked(peer)) world.connects(peer);
      world.useful(peer);
    }
  }

  test('whoever was linked first with a newcomer does not keep it from those it finds', () => {
    const world = besieged('newcomer');
    assert.ok(world.table.peersMissing(), 'it goes on looking for others');
    for (const peer of honest) world.found(peer);
    world.passes(10, () => siege(world));
    assert.ok(world.linked(honest) >= chosenMin);
    world.passes(600, () => siege(world));
    assert.ok(world.linked(honest) >= chosenMin, 'and no crowd closes them');
    assert.ok(!world.table.peersMissing());
  });

  test('who has only ever dialled us is not dialled for such a place', () => {
    const world = besieged('let go');
    world.passes(120, () => siege(world));
    assert.equal(world.dials, 0, 'though they were let go of and could be dialled');
  });

  test('whom the DHT has dialled may be drawn, and is dialled no more for that', () => {
    const world = new World('of the DHT');
    for (const peer of honest) world.connects(peer, true);
    world.passes(60);
    assert.equal(world.dials, 0);
    assert.ok(!world.table.peersMissing(), 'four of them have the places');
  });

  test('where all are linked nobody is dialled', () => {
    for (const size of [1, 7, 19]) {
      const world = new World(`all ${size}`);
      const others = named('other', size);
      for (const peer of others) {
        world.comes(peer);
        world.connects(peer);
        world.found(peer);
      }
      world.passes(3_600);
      assert.equal(world.dials, 0);
      assert.equal(world.linked(others), size);
    }
  });

  test('those that cannot be dialled are tried ever more rarely, and the first that can be is', () => {
    const world = new World('behind NATs');
    for (const peer of named('inbound', 12)) world.connects(peer);
    for (const peer of named('hidden', 100)) world.found(peer);
    world.passes(3_600);
    assert.ok(world.dials > 100 && world.dials < 200, `${world.dials} dials in an hour`);
    const before = world.dials;
    world.passes(60, () => world.found('public'));
    world.comes('public');
    world.passes(3_600);
    assert.ok(world.table.isLinked('public'), `not after ${world.dials - before} dials`);
  });

  test('one place for an address, while there are others', () => {
    const world = new World('addresses');
    for (const peer of named('inbound', 8)) world.connects(peer);
    const one = named('of one address', 60);
    const others = honest.slice(0, 6);
    for (const peer of one) world.comes(peer, '198.51.100.1');
    for (const [index, peer] of others.entries()) world.comes(peer, `203.0.113.${index}`);
    for (const peer of [...one, ...others]) world.found(peer);
    world.passes(1_800);
    assert.ok(world.linked(others) >= chosenMin - 1);
  });

  test('where all have one address, each is tried once, and as many as are enough have the places', () => {
    const world = new World('one address');
    for (const peer of named('inbound', 8)) world.connects(peer);
    for (const peer of named('of one address', 20)) {
      world.comes(peer, '198.51.100.1');
      world.found(peer);
    }
    world.passes(500);
    assert.ok(!world.table.peersMissing());
    assert.ok(world.dials <= 20 + peersMin, `${world.dials} dials`);
  });
});

/** Minutes of two hours without any honest link, beside strangers who never leave: such as dial, and twice as many as are honest among those that are found. */
function minutesAlone(seed: string, limits: Partial<LinkLimits>): number {
  const world = new World(seed, limits);
  const rng = rngFor(`${seed}/world`);
  const honest = named('honest', 30);
  const dialling = named('dialling', 40);
  const waiting = named('waiting', 60);
  for (const peer of [...honest, ...dialling, ...waiting]) world.comes(peer);
  for (const peer of honest.slice(0, 12)) world.connects(peer, true);
  const settledAfterS = defaultLinkLimits.settleMs / 1_000;
  world.passes(settledAfterS);
  let secondsAlone = 0;
  world.passes(7_200, () => {
    for (const peer of dialling) if (!world.table.isLinked(peer)) world.connects(peer);
    for (const peer of [...dialling, ...waiting]) world.useful(peer);
    for (const peer of honest) {
      if (world.table.isLinked(peer)) world.useful(peer);
      // Away for a minute, every quarter of an hour.
      if (!world.there.has(peer) && rng.float() < 1 / 60) world.comes(peer);
      else if (world.there.has(peer) && rng.float() < 1 / 900) world.goes(peer);
    }
    if ((world.nowMs - beginsAtMs) % 60_000 === 0)
      for (const peer of [...honest, ...waiting]) world.found(peer);
    if (world.linked(honest) === 0) secondsAlone++;
  });
  return secondsAlone / 60;
}

test('strangers who hold on for hours do not get a node for themselves', (t) => {
  const seeds = named('hours', 2);
  const minutes = (limits: Partial<LinkLimits>): number => {
    const each = seeds.map((seed) => minutesAlone(seed, limits));
    t.diagnostic(
      `${JSON.stringify(limits)}: alone for ${each.map((one) => one.toFixed(1)).join(', ')} of 120 minutes`,
    );
    return each.reduce((sum, one) => sum + one, 0) / seeds.length;
  };
  assert.ok(minutes({ chosenMin: 0 }) > 30, 'it is no attack');
  assert.ok(minutes({ chosenMs: Number.MAX_SAFE_INTEGER }) > 30, 'who never leaves has all places at last');
  assert.ok(minutes({}) < 15);
});
