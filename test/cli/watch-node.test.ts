import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { NodeWatch } from '../../src/cli/parts/node/watch-node.ts';
import { createNodeView } from '../../src/cli/view/live-view.ts';
import { NodeNarrator } from '../../src/cli/view/node-lines.ts';
import { someView } from '../node/some-view.ts';

test('a node whose runs are over, and that stays, is looked at less often', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const underWay = someView({ phase: 'training' });
  const over = someView({ phase: 'finished', modelPath: 'm', accuracyRound: 9, finalisedRound: 9 });
  let current = underWay;
  let looks = 0;
  const watch = new NodeWatch({
    views: () => {
      looks++;
      return [current];
    },
    view: createNodeView(new PassThrough() as unknown as NodeJS.WriteStream),
    narrator: new NodeNarrator({ endsWithRuns: false, trustsNobody: false }),
    onFinished: null,
  });
  const looksIn = (seconds: number): number => {
    const before = looks;
    for (let tick = 0; tick < seconds * 2; tick++) mock.timers.tick(500);
    return looks - before;
  };
  assert.equal(looksIn(10), 20);
  current = over;
  looksIn(1);
  assert.equal(looksIn(60), 12);
  current = underWay;
  looksIn(5);
  assert.equal(looksIn(10), 20, 'another history came up, or another run');
  watch.end();
  assert.equal(looksIn(10), 0);
});
