/** A program that shows two states of a node, and a line after each. */
import { createNodeView } from '../../src/cli/view/live-view.ts';
import { someView } from '../node/some-view.ts';

const view = createNodeView(process.stdout);
for (const round of [1, 2]) {
  view.show({ views: [someView({ round, roundsDone: round })], atMs: round * 1000 });
  view.note(`noted ${round}`);
}
view.end();
