/**
 * What liars among auditors and evaluators bring about in drawn worlds: `npm run bench:juries`, with `-- --json` for machines, `--worlds` for each row.
 * Of audits, in how many worlds (%) honest members are convicted of what they published, or for what they said, where liars accuse everybody else, or at all where they cry that nothing is shown to
 * them; in how many who always cheats is found, where the others say that it does not, where they say nothing of it, and where they say so only while nobody else is asked, with the part of these (%) that is found to have; in how
 * many who shows nothing to others is found; and what auditors train again for each delta that is drawn, where nobody lies, where liars accuse, where they cry; in which part
 * of the rounds (%) who lets nobody but the other liars reach it weighs, and the honest do while liars say that they reach nobody, what is trained again then, and how many words there are for each delta that is drawn where one hides. Of scores, for which part of the rounds (%) honest
 * authors and liars are silenced, and in how many worlds half of the honest are at once, in a phase in which nobody's deltas are worth more than chance.
 */
import { parseArgs } from 'node:util';
import { auditPercents } from '../test/entries/audit-worlds.ts';
import { scorePercents } from '../test/entries/score-worlds.ts';

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, worlds: { type: 'string', default: '40' } },
});
const worlds = Number(flags.worlds);
const sizes = [
  { members: 10, liars: 3 },
  { members: 16, liars: 4 },
  { members: 16, liars: 6 },
  { members: 40, liars: 12 },
  { members: 40, liars: 16 },
];
const rounded = <Row extends object>(row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' ? Number(value.toFixed(2)) : value,
    ]),
  ) as Row;
const audits = sizes.flatMap((size) =>
  [0, 1 / 3, 1 / 2].map((missing) =>
    rounded({ ...size, missing, ...auditPercents({ ...size, missing }, worlds) }),
  ),
);
const lies = [
  { lie: 'never', missing: 0 },
  { lie: 'always', missing: 0 },
  { lie: 'always', missing: 1 / 3 },
  { lie: 'alone', missing: 0 },
] as const;
const scores = sizes.flatMap((size) =>
  lies.map((lie) => rounded({ ...size, ...lie, ...scorePercents({ ...size, ...lie, harm: null }, worlds) })),
);
if (flags.json) console.log(JSON.stringify({ worlds, audits, scores }));
else {
  console.log(`audits, ${worlds} worlds a row`);
  console.table(audits);
  console.log(`scores, ${worlds} worlds a row`);
  console.table(scores);
}
