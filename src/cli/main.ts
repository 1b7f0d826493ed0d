#!/usr/bin/env node
/** The entry: looks at Node's version before it loads anything that an old Node could not even parse. */
const nodeMajorMin = 22;
const major = Number(process.versions.node.split('.')[0]);

if (major < nodeMajorMin) {
  process.stderr.write(
    `starlings needs Node ${nodeMajorMin} or newer and this is ${process.versions.node}: in a clone use \`npm start\` or ` +
      `\`npx starlings\`, which bring their own, or install Node ${nodeMajorMin} from https://nodejs.org\n`,
  );
  process.exitCode = 1;
} else {
  const { main } = await import('./program.ts');
  await main(process.argv);
}

export {};
