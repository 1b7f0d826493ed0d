/** Who reaches whom through which routers, in network namespaces: docs/OPERATIONS.md prints the table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../network/real-hosts.ts';
import { Lab, type LabPeer, labMissing, mappedPort, type Nat, openInternet, plainProfile } from './lab.ts';

const missing = labMissing();

/** Of the side that has something to be dialled at: a direct connection; otherwise one over the relay. */
const pairs: ReadonlyArray<readonly [Nat, Nat, 'direct' | 'relayed']> = [
  ['open', 'open', 'direct'],
  ['open', 'cone', 'direct'],
  ['open', 'symmetric', 'direct'],
  ['forwarded', 'forwarded', 'direct'],
  ['forwarded', 'cone', 'direct'],
  ['forwarded', 'symmetric', 'direct'],
  ['cone', 'cone', 'relayed'],
  ['cone', 'symmetric', 'relayed'],
  ['symmetric', 'symmetric', 'relayed'],
];

/** More than what a relay lets through by default elsewhere (128 KiB): a body of a model of a million numbers. */
const bodyBytes = 4_000_000;

async function linked(a: LabPeer, b: LabPeer): Promise<void> {
  for (const peer of [a, b]) {
    await peer.until(
      'the other is up and gossip has it',
      ({ up, subscribers }) => up.length === 1 && subscribers === 1,
    );
  }
}

async function talking(a: LabPeer, b: LabPeer, word: string): Promise<void> {
  a.tell({ announce: `a ${word}` });
  b.tell({ announce: `b ${word}` });
  await b.until('it heard a', ({ heard }) => heard.includes(`a ${word}`));
  await a.until('it heard b', ({ heard }) => heard.includes(`b ${word}`));
}

describe('two nodes, one bootstrap that relays, and the routers between them', {
  skip: missing ?? false,
}, () => {
  for (const [here, there, way] of pairs) {
    test(`${here} and ${there}: ${way}`, async () => {
      const lab = new Lab();
      try {
        const { bootstrap } = await openInternet(lab);
        const peer = (nat: Nat, seed: number): LabPeer =>
          lab.start(lab.machine(nat).namespace, { seed, run: 'nat', bootstrap, profile: plainProfile });
        const [a, b] = [peer(here, 2), peer(there, 3)];
        await linked(a, b);
        await talking(a, b, 'first');
        a.tell({ ask: b.status!.key, bytes: bodyBytes });
        b.tell({ ask: a.status!.key, bytes: bodyBytes });
        for (const one of [a, b]) {
          await one.until('it has a body', ({ answers }) => answers.includes(bodyBytes));
        }
        for (const [one, other] of [
          [a, b],
          [b, a],
        ] as const) {
          const status = await one.until(`it is ${way}`, ({ connections }) => {
            const between = connections.filter(({ to }) => to === other.status!.peerId);
            return way === 'direct'
              ? between.length > 0 && between.every(({ isRelayed }) => !isRelayed)
              : between.length > 0;
          });
          const between = status.connections.filter(({ to }) => to === other.status!.peerId);
          assert.ok(between.every(({ isRelayed }) => isRelayed === (way === 'relayed')));
        }
        // What hole punching put in the place of the first connection carries gossip both ways as well.
        await talking(a, b, 'last');
      } finally {
        await lab.close();
      }
    });
  }
});

describe('a node whose router forwards one port of another number', { skip: missing ?? false }, () => {
  for (const other of ['open', 'symmetric'] as const) {
    test(`is dialled where it announces, by one that is ${other}`, async () => {
      const lab = new Lab();
      try {
        const { bootstrap } = await openInternet(lab);
        const mapped = lab.machine('mapped');
        const announced = `/ip4/${mapped.publicAddress}/tcp/${mappedPort}`;
        const given = { run: 'nat', bootstrap };
        const a = lab.start(mapped.namespace, {
          ...{ ...given, seed: 2, profile: { ...plainProfile, useRelays: false, announce: [announced] } },
        });
        // Neither uses relays: where the announced address did not lead there, they would not meet.
        const profile = { ...plainProfile, useRelays: false };
        const b = lab.start(lab.machine(other).namespace, { ...given, seed: 3, profile });
        await linked(a, b);
        await talking(a, b, 'over the forwarded port');
        const { addresses, dhtMode } = a.status!;
        assert.deepEqual(addresses, [`${announced}/p2p/${a.status!.peerId}`], 'that one and no other');
        assert.equal(dhtMode, 'server');
      } finally {
        await lab.close();
      }
    });
  }

  test('and does not announce it is reached over a relay alone', async () => {
    const lab = new Lab();
    try {
      const { bootstrap } = await openInternet(lab);
      const given = { run: 'nat', bootstrap, profile: plainProfile };
      const mapped = lab.machine('mapped');
      const a = lab.start(mapped.namespace, { ...given, seed: 2 });
      const b = lab.start(lab.machine('symmetric').namespace, { ...given, seed: 3 });
      await linked(a, b);
      const { connections } = await b.until('they are connected', ({ connections: all }) =>
        all.some(({ to }) => to === a.status!.peerId),
      );
      assert.ok(connections.every(({ to, isRelayed }) => to !== a.status!.peerId || isRelayed));
    } finally {
      await lab.close();
    }
  });
});

describe('a node whose router gives out ports by NAT-PMP', { skip: missing ?? false }, () => {
  test('is dialled at the port that it was given, and gives it back when it stops', async () => {
    const lab = new Lab();
    try {
      const { bootstrap } = await openInternet(lab);
      const asked = lab.machine('asked');
      const given = { run: 'nat', bootstrap };
      // Neither uses relays: without the port they would not meet.
      const profile = { ...plainProfile, useRelays: false };
      const a = lab.start(asked.namespace, { ...given, seed: 2, profile: { ...profile, mapPorts: true } });
      const told = `/ip4/${asked.publicAddress}/tcp/${mappedPort}/`;
      await a.until('it tells the port', ({ addresses }) => addresses.some((each) => each.startsWith(told)));
      const b = lab.start(lab.machine('symmetric').namespace, { ...given, seed: 3, profile });
      await linked(a, b);
      await talking(a, b, 'over the port that was given');
      a.tell({ leave: true });
      await eventually('it gives the port back', () => lab.given.includes(`${mappedPort} back`));
      assert.equal(lab.given[0], `${mappedPort} -> ${asked.address}:4001`);
    } finally {
      await lab.close();
    }
  });
});

describe('what a node behind a router tells of itself', { skip: missing ?? false }, () => {
  test('a public address only where others can dial it, and no record of others while nobody can', async () => {
    const lab = new Lab();
    try {
      const { bootstrap } = await openInternet(lab);
      const at = (nat: Nat, seed: number) => {
        const machine = lab.machine(nat);
        return {
          ...machine,
          peer: lab.start(machine.namespace, { seed, run: 'nat', bootstrap, profile: plainProfile }),
        };
      };
      const [open, forwarded, cone] = [at('open', 2), at('forwarded', 3), at('cone', 4)];
      for (const { peer, publicAddress } of [open, forwarded]) {
        await peer.until(
          'its public address is told',
          ({ addresses, dhtMode }) =>
            dhtMode === 'server' &&
            addresses.some((address) => address.startsWith(`/ip4/${publicAddress}/tcp/4001/`)),
        );
      }
      const { addresses } = await cone.peer.until(
        'it has a place at the relay',
        (status) =>
          status.dhtMode === 'client' && status.addresses.some((address) => address.includes('/p2p-circuit')),
      );
      assert.ok(!addresses.some((address) => address.startsWith(`/ip4/${cone.publicAddress}/`)));
    } finally {
      await lab.close();
    }
  });

  test('a machine that has one names it before anybody has dialled it, and tells nobody', async () => {
    const lab = new Lab();
    try {
      const given = { run: 'nat', profile: plainProfile };
      const { namespace, publicAddress } = lab.machine('open');
      const first = lab.start(namespace, { ...given, seed: 2, bootstrap: [] });
      const { untried, addresses, peerId } = await first.until('it is there', () => true);
      const named = `/ip4/${publicAddress}/tcp/4001/p2p/${peerId}`;
      assert.deepEqual(untried, [named]);
      assert.ok(!addresses.includes(named));
      lab.start(lab.machine('open').namespace, { ...given, seed: 3, bootstrap: untried });
      await first.until(
        'somebody has dialled it',
        (status) => status.untried.length === 0 && status.addresses.includes(named),
      );
    } finally {
      await lab.close();
    }
  });
});
