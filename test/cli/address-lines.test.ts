import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressLines } from '../../src/cli/view/address-lines.ts';

test('an address that nobody has dialled yet is printed like the others, and said to be one', () => {
  const [here, open] = ['/ip4/127.0.0.1/tcp/4001/p2p/12D3', '/ip4/9.8.7.6/tcp/4001/p2p/12D3'];
  assert.deepEqual(addressLines({ addresses: [here], untried: [] }), [`address ${here}`]);
  const lines = addressLines({ addresses: [here, open], untried: [open] }, 10);
  assert.deepEqual(lines.slice(0, 2), [`address   ${here}`, `address   ${open}`]);
  assert.match(lines[2]!, /^untried {3}nobody has dialled \/ip4\/9\.8\.7\.6\/\S+ yet: no peer is told of it/);
  assert.equal(lines.length, 3);
});
