/** Nodes of one local network with no address typed and no way out. */
import { describe, test } from 'node:test';
import { Lab, labMissing, plainProfile } from './lab.ts';

const missing = labMissing();

describe('a local network without a bootstrap', { skip: missing ?? false }, () => {
  test('three nodes find each other and the run', async () => {
    const lab = new Lab();
    try {
      const profile = { ...plainProfile, multicastDns: true };
      const peers = lab
        .network(3)
        .map((namespace, index) =>
          lab.start(namespace, { seed: 2 + index, run: 'lan', bootstrap: [], profile }),
        );
      for (const peer of peers) await peer.until('it has both others', ({ up }) => up.length === 2);
    } finally {
      await lab.close();
    }
  });

  test('a node of a private network is met by none that lacks its key', async () => {
    const lab = new Lab();
    try {
      const profile = { ...plainProfile, multicastDns: true };
      const networkKey = '11'.repeat(32);
      const [a, b, stranger] = lab.network(3).map((namespace, index) =>
        lab.start(namespace, {
          ...{ seed: 2 + index, run: 'lan', bootstrap: [] },
          profile: index < 2 ? { ...profile, networkKey } : profile,
        }),
      );
      for (const peer of [a!, b!]) await peer.until('it has the other', ({ up }) => up.length === 1);
      await stranger!.until('it is alone', ({ connections }) => connections.length === 0);
    } finally {
      await lab.close();
    }
  });
});
