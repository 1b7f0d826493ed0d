/** Which of our files a file is, where it is another one than was asked for. */

/** Fields at the top that a kind has and none of the others. */
const marks: readonly { readonly fields: readonly string[]; readonly what: string; readonly use: string }[] =
  [
    { fields: ['model', 'task'], what: 'a run', use: '`starlings run create`, `start` or `testnet up`' },
    { fields: ['scenario', 'strategies'], what: 'a comparison', use: '`starlings compare`' },
    { fields: ['peers', 'runFile'], what: 'a scenario of the simulator', use: '`starlings sim`' },
    { fields: ['peers', 'run'], what: 'a scenario of the simulator', use: '`starlings sim`' },
    { fields: ['runs'], what: 'the settings of a node', use: '`starlings node --config`' },
  ];

/** One sentence, where the fields that are unknown here are those of another kind; null where they are typing errors. */
export function otherKindText(unknown: readonly string[]): string | null {
  const kind = marks.find(({ fields }) => fields.every((field) => unknown.includes(field)));
  return kind ? `this looks like ${kind.what}: use it with ${kind.use}` : null;
}
