#!/usr/bin/env node
/** The entry: looks at Node's version before it loads anything that an old Node could not even parse. */
const oldest = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** Commands that mostly wait, and for days. */
const longLived = ['node', 'bootstrap'];

if (major < oldest[0]! || (major === oldest[0] && minor < oldest[1]!)) {
  process.stderr.write(
    `starlings needs Node ${oldest.join('.')} or newer, and this is ${process.versions.node}: get one from ` +
      'https://nodejs.org, or run `npm install node@22` here, which `npx starlings` then uses\n',
  );
  process.exitCode = 1;
} else {
  const command = process.argv.slice(2).find((word) => !word.startsWith('-'));
  // Before anything large is loaded: the young generation that it would grow stays as large.
  const prepared = longLived.includes(String(command))
    ? import('../platform/node/small-heap.ts').then(({ keepHeapsSmall }) => keepHeapsSmall())
    : Promise.resolve();
  void prepared.then(() => import('./program.ts')).then(({ main }) => main(process.argv));
}

export {};
