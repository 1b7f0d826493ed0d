/** Deadlines of requests, kept beside the calendar. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../../sim/deadlines.ts';
import type { VirtualNode } from '../../sim/virtual-node.ts';

type Asker = Pick<VirtualNode, 'index' | 'incarnation' | 'is'> & { readonly pending: Map<number, unknown> };

function asker(index: number): Asker {
  return { index, incarnation: 1, is: (incarnation) => incarnation === 1, pending: new Map() };
}

test('of many requests those fall due that were not answered, each at its time', () => {
  const nodes = [asker(0), asker(1), asker(2)];
  const deadlines = new Deadlines(nodes as unknown as readonly VirtualNode[]);
  const due: string[] = [];
  const expected: string[] = [];
  for (let id = 0; id < 20_000; id++) {
    const node = nodes[id % 3]!;
    node.pending.set(id, null);
    assert.ok(deadlines.add(1000 + id, node as unknown as VirtualNode, id));
    // Some 1,500 are under way at a time, and one of a hundred is never answered.
    const answered = id - 1500;
    if (answered % 100 !== 0) nodes[(answered + 3) % 3]?.pending.delete(answered);
    else if (answered >= 0) expected.push(`${1000 + answered}: ${answered % 3} ${answered}`);
    while (deadlines.nextUs() <= 1000 + answered) {
      const { atUs, node: late, requestId } = deadlines.take();
      due.push(`${atUs}: ${late.index} ${requestId}`);
    }
  }
  assert.deepEqual(due, expected);
});

test('a deadline that comes before the last one is not put in; where nothing waits any one is', () => {
  const node = asker(0);
  const deadlines = new Deadlines([node as unknown as VirtualNode]);
  const add = (atUs: number, id: number): boolean => {
    node.pending.set(id, null);
    return deadlines.add(atUs, node as unknown as VirtualNode, id);
  };
  assert.ok(add(20, 1));
  assert.equal(add(10, 2), false);
  node.pending.clear();
  assert.equal(deadlines.nextUs(), Number.POSITIVE_INFINITY);
  assert.ok(add(10, 3));
  assert.equal(deadlines.nextUs(), 10);
});
