/**
 * What the board of an arena costs: `npm run bench:arena`, with `-- --json` for machines. 1,000 submissions and 32 holders with 256 examples
 * each, from signed entries to ranks: what a node does with their rounds, and what whoever looks at the board does.
 */
import { parseArgs } from 'node:util';
import * as dagCbor from '@ipld/dag-cbor';
import { boardOf } from '../src/entries/arena/board.ts';
import { bitsToHex, commitmentOf, type ScoreRow } from '../src/entries/arena/scores.ts';
import { createEntryKind, entryKindSchema } from '../src/entries/registry.ts';
import type { LogEntry } from '../src/log/entry-kind.ts';
import { sealEnvelope } from '../src/log/envelope.ts';
import { rngFor } from '../src/math/rng.ts';
import { createCrypto, createSigner } from '../src/platform/node/crypto.ts';
import { plainRound } from '../test/entries/plain-round.ts';
import { measure } from './measure.ts';

const SUBMISSIONS = 1000;
const HOLDERS = 32;
const EXAMPLES = 256;

const crypto = createCrypto();
const context = { runId: 'bench', crypto };
const signerOf = (index: number) =>
  createSigner(Uint8Array.from({ length: 32 }, (_, at) => (index >> (8 * (at % 4))) & 0xff));
const holders = Array.from({ length: HOLDERS }, (_, index) => signerOf(5000 + index));
const shards = holders.map(({ key: holder }) => ({
  holder,
  root: 'ab'.repeat(32),
  bytes: 1000,
  examples: EXAMPLES,
}));
const kinds = [
  { id: 'submission', untilRound: 100, kept: 1024 },
  { id: 'commit', untilRound: 200, shards },
  { id: 'reveal', untilRound: 300 },
].map((spec) => createEntryKind(entryKindSchema.parse(spec), context));

function entryOf(kind: number, round: number, signer: ReturnType<typeof signerOf>, body: object): LogEntry {
  const bytes = dagCbor.encode(body);
  const anchor = { round: -1, root: new Uint8Array(32), snapshot: new Uint8Array(32) };
  const sealed = sealEnvelope({ round, kind, index: 0, anchor, claims: [] }, bytes, context, signer);
  return { ...sealed, body: bytes, content: null };
}

const submissions = Array.from({ length: SUBMISSIONS }, (_, index) =>
  entryOf(0, index % 50, signerOf(index), {
    name: `m${index}`,
    root: index.toString(16).padStart(64, '0'),
    bytes: 1000,
  }),
);
const rng = rngFor('bench/arena');
const reveals = holders.map((_, holder) => ({
  salt: holder.toString(16).padStart(64, '0'),
  rows: submissions.map(({ id }, index): ScoreRow => {
    const right = bitsToHex(Array.from({ length: EXAMPLES }, () => rng.float() < 0.5 + index / 2500));
    return { submission: id, verdict: 'scored', right };
  }),
}));
const commits = holders.map((signer, at) =>
  entryOf(1, 150, signer, { hash: commitmentOf(crypto, signer.key, reveals[at]!) }),
);
const revealed = holders.map((signer, at) => entryOf(2, 250, signer, reveals[at]!));

const decodeAll = (): LogEntry[] =>
  [...submissions, ...commits, ...revealed].map((entry) => ({
    ...entry,
    content: kinds[entry.kind]!.decode(entry.body, []),
  }));
const byRound = Map.groupBy(decodeAll(), ({ round }) => round);

function folded(): (id: string) => unknown {
  const states = kinds.map((kind) => kind.initial());
  const stateOf = (id: string): unknown => states[kinds.findIndex((kind) => kind.id === id)];
  for (const [round, all] of [...byRound].sort(([a], [b]) => a - b)) {
    for (const [number, kind] of kinds.entries()) {
      const entries = all
        .filter((entry) => entry.kind === number)
        .sort((a, b) => (a.author < b.author ? -1 : 1));
      kind.reduce(states[number], { ...plainRound, round, entries, stateOf });
    }
  }
  return stateOf;
}

const state = folded();
const tasks = {
  'fold and board': () => void boardOf(folded()),
  'decoding, as entries come': () => void decodeAll(),
  'board alone': () => void boardOf(state),
};
const [reference] = Object.keys(tasks);
const measured = measure(tasks, reference!, { warmUp: 1, counted: 5 });
const { rows } = boardOf(state)!;
if (rows.length !== SUBMISSIONS || rows[0]!.rank !== 1) throw new Error('no board');
if (parseArgs({ options: { json: { type: 'boolean' } } }).values.json) console.log(JSON.stringify(measured));
else {
  console.log(`${SUBMISSIONS} submissions, ${HOLDERS} holders with ${EXAMPLES} examples each`);
  for (const { name, medianMs } of measured) console.log(`${name.padEnd(26)} ${medianMs.toFixed(0)} ms`);
}
