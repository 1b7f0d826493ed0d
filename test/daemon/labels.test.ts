/** From raw text to a trained model: records are imported, three annotators answer over real nodes, disagreements are decided, nodes train on the labels. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LabelCard } from '../../src/api/label-work.ts';
import { describeFailure } from '../../src/cli/parts/command/exit.ts';
import { AnnotatorDesk } from '../../src/cli/parts/label/annotator-desk.ts';
import { LabelSource } from '../../src/cli/parts/label/label-project.ts';
import { Suggester } from '../../src/cli/parts/label/suggester.ts';
import { Suggestions } from '../../src/cli/parts/label/suggestions.ts';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { questionSchema } from '../../src/entries/labels/question.ts';
import { blobIdOf } from '../../src/platform/node/blob-file.ts';
import { jsonOf, starlings, startStarlings } from '../cli/starlings-process.ts';
import { crypto } from '../log/small-run.ts';
import { type LogNode, LogNodes, logRun, until } from './log-nodes.ts';

const praise = ['lovely', 'fresh', 'friendly', 'perfect', 'tasty'];
const blame = ['cold', 'rude', 'stale', 'dirty', 'slow'];
const things = ['soup', 'bread', 'service', 'table', 'coffee', 'fish', 'room', 'music'];
const records = 80;

/** What a guest writes, and what it is meant as. */
function review(number: number): { readonly text: string; readonly isGood: boolean } {
  const isGood = number % 2 === 0;
  const words = isGood ? praise : blame;
  const [one, two] = [things[number % 8], things[(number * 3 + 1) % 8]];
  return {
    text: `Visit ${number}: the ${one} was ${words[number % 5]}, and the ${two} "${words[(number * 7 + 2) % 5]}".`,
    isGood,
  };
}

async function annotator(nodes: LogNodes, node: LogNode, signal: AbortSignal) {
  const source = new LabelSource({
    ...{ target: node.home, run: undefined, crypto, fetchSeconds: 20 },
    say: (line) => assert.fail(line),
  });
  const desk = await until(`${node.home} has the records`, async () => {
    const opened = await AnnotatorDesk.open({ source, own: [], suggestions: null, signal });
    return opened.work().progress.records === records && opened;
  });
  assert.equal(nodes.run.manifest.name, 'registry');
  return { source, desk, done: desk.follow() };
}

test('from raw text to a model, over real nodes', async () => {
  const nodes = await LogNodes.prepared();
  const keyOf = async (name: string): Promise<string> => {
    const made = await starlings('node', 'id', '--dir', nodes.at(name), '--json');
    return String(jsonOf(made)['peerKey']);
  };
  const question = { kind: 'choice', text: 'What does the guest think of it?', choices: ['good', 'bad'] };
  await nodes.sign(
    logRun([
      { id: 'batch' },
      { id: 'answer', question, guidelines: 'Read twice.', answersMin: 2, perRound: 4 },
      { id: 'ruling', by: [await keyOf('ann')] },
    ]),
  );
  const [ann, bob, eve] = [await nodes.start('ann'), await nodes.start('bob'), await nodes.start('eve')];

  // A table as somebody has it, with what cannot be labelled among it.
  const rows = Array.from({ length: records }, (_, at) => review(at).text.replaceAll('"', '""'));
  const csv = [
    'id,review',
    ...rows.map((text, at) => `${at},"${text}"`),
    '80,',
    '81,"\u202eevil"',
    `82,"${rows[0]}"`,
  ];
  await writeFile(nodes.at('reviews.csv'), `${csv.join('\n')}\n`);
  const imported = await until('the records are offered', async () => {
    const given = ['--file', nodes.at('reviews.csv'), '--column', 'review', '--name', 'reviews'];
    const end = await starlings('label', 'import', '--dir', ann.home, ...given, '--json');
    if (end.exitCode !== 0) throw new Error(end.stderr);
    return jsonOf(end);
  });
  assert.equal(imported['records'], records);
  assert.deepEqual(
    (imported['refused'] as { reason: string; firstLine: number }[]).map(({ firstLine }) => firstLine),
    [82, 83, 84],
  );

  const early = await starlings('label', 'export', '--dir', ann.home, '--out', nodes.at('early.csv'));
  assert.equal(early.exitCode, 1, early.stderr);
  assert.match(early.stderr, /no record has a label yet/);

  const stopper = new AbortController();
  const people = await Promise.all([ann, bob, eve].map((node) => annotator(nodes, node, stopper.signal)));
  const meant = new Map(Array.from({ length: records }, (_, at) => [review(at).text, review(at)]));
  // Bob errs on every tenth visit. Eve does half of the work, and skips one.
  const opinion = (who: number, { text }: LabelCard): string | null => {
    const number = Number(/\d+/.exec(text)![0]);
    const isGood = meant.get(text)!.isGood !== (who === 1 && number % 10 === 3);
    if (who === 2 && number === 0) return null;
    return isGood ? 'good' : 'bad';
  };
  for (const [who, { desk }] of people.entries()) {
    for (let given = 0; given < (who === 2 ? records / 2 : records); given++) {
      const [card] = desk.work().cards;
      assert.ok(card, `${who} has ${given}`);
      desk.answer({ record: card.record, value: opinion(who, card), ms: 500 });
    }
  }
  const [first] = people as [(typeof people)[number], ...typeof people];
  const project = await until('all answers are with everybody', async () => {
    const all = await Promise.all(people.map(({ source }) => source.project(stopper.signal)));
    return all.every(({ answers }) => answers.length === 2 * records + records / 2 - 1) && all[0]!;
  });
  const report = agreementOf(project);
  assert.equal(report.counts.open, 0);
  assert.ok(report.alpha! > 0.75 && report.alpha! < 0.95, `${report.alpha}`);
  assert.ok(report.disagreements.length >= 4 && report.counts.disputed >= 1);

  // Nobody else decides, and the node says so before anything is written.
  const [disputed] = report.disagreements;
  await assert.rejects(bob.command('decide', { record: disputed!.record, value: 'good' }), {
    code: 'NOT_PUBLISHED',
    message: /not for it to say/,
  });
  assert.equal(people[1]!.desk.work().disputes, null);
  // What is nearly certain by what each of the three errs on is decided with one command, the rest by hand.
  const sure = await starlings('label', 'decide', '--dir', ann.home, '--by', 'dawid-skene', '--json');
  assert.equal(sure.exitCode, 0, sure.stderr);
  let decided = Number(jsonOf(sure)['decided']);
  assert.equal(decided + Number(jsonOf(sure)['left']), report.counts.disputed);
  assert.ok(decided > 0);
  await until('ann sees what is left', async () => {
    return first.desk.work().disputes!.length === report.disagreements.length - decided;
  });
  await until('all is decided', async () => {
    const [card] = first.desk.work().disputes!;
    if (card === undefined) return decided === report.disagreements.length;
    await first.desk.decide({ record: card.record, value: meant.get(card.text)!.isGood ? 'good' : 'bad' });
    decided += 1;
    return false;
  });
  stopper.abort();
  await Promise.all(people.map(({ done }) => done));

  // Eve's node writes the shares: it has the same labels.
  await until('eve has what was decided', async () => {
    const answered = await new LabelSource({
      ...{ target: eve.home, run: undefined, crypto, fetchSeconds: 20, say: () => {} },
    }).project(new AbortController().signal);
    return labelsOf(answered).filter(({ label }) => label !== null).length === records;
  });
  const shares: string[] = [];
  for (const part of [0, 1]) {
    const out = nodes.at(`share-${part}.csv`);
    const share = ['--part', String(part), '--of', '2', '--features', '64', '--out', out];
    // Eve has the table itself, which need not be in a batch; what is none of its records is told.
    const own = ['--file', nodes.at('reviews.csv'), '--column', 'review'];
    const end = await starlings('label', 'export', '--dir', eve.home, ...share, ...own, '--json');
    assert.equal(end.exitCode, 0, end.stderr);
    assert.match(end.stderr, /refused {3}1 of .*reviews\.csv, the first in line 82/);
    assert.equal(jsonOf(end)['written'], records / 2);
    shares.push(out);
  }
  const [head, row] = (await readFile(shares[0]!, 'utf8')).split('\n');
  assert.match(head!, /^w0000of0064,w0001of0064,.*,w0063of0064,label$/);
  assert.match(row!, /^[\d,]+,(good|bad)$/);

  const run = nodes.at('run.yaml');
  const made = await starlings('init', '--data', shares[0]!, '--name', 'reviews', '--out', run, '--yes');
  assert.equal(made.exitCode, 0, made.stderr);
  const quick = ['--bootstraps', '1', '--rounds', '12', '--slot-ms', '400', '--dir', nodes.at('trained')];
  const end = await starlings('start', run, '--data', ...shares, ...quick, '--json');
  assert.equal(end.exitCode, 0, end.stderr);
  const { accuracyMin, modelHashes, nodes: trained } = jsonOf(end);
  assert.equal(trained, 2);
  assert.equal((modelHashes as readonly string[]).length, 1, 'both come to one model');
  assert.ok(Number(accuracyMin) >= 0.75, `${accuracyMin}`);

  // What was trained suggests the answers to what comes next. Bob believes it, where he sees what it says.
  const more = Array.from({ length: records }, (_, at) => review(records + at));
  await writeFile(nodes.at('more.jsonl'), more.map(({ text }) => `${JSON.stringify({ text })}\n`).join(''));
  await until('more is offered', () =>
    bob.command('batch', { file: nodes.at('more.jsonl'), name: 'more', records }),
  );
  const suggester = await Suggester.open(nodes.at('trained', 'node-00'), questionSchema.parse(question));
  const signal = new AbortController();
  const source = new LabelSource({
    ...{ target: bob.home, run: undefined, crypto, fetchSeconds: 20, say: () => {} },
  });
  const suggestions = new Suggestions(suggester, crypto);
  const desk = await AnnotatorDesk.open({ source, own: [], suggestions, signal: signal.signal });
  const sureness: number[] = [];
  const own: string[] = [];
  for (let [card] = desk.work().cards; card !== undefined; [card] = desk.work().cards) {
    const isGood = Number(/\d+/.exec(card.text)![0]) % 2 === 0;
    sureness.push(suggestions.sureOf(card.record)!);
    if (card.suggestion === null) own.push(card.record);
    desk.answer({ record: card.record, value: card.suggestion ?? (isGood ? 'good' : 'bad'), ms: 1 });
  }
  assert.equal(await desk.writeAll(signal.signal), null);
  assert.equal(sureness.length, records);
  assert.ok(
    sureness.every((sure, at) => at === 0 || sureness[at - 1]! <= sure),
    'least certain first',
  );
  assert.ok(own.length >= 1 && own.length <= 24, `${own.length} of ${records} are hidden`);
  const { suggested } = agreementOf(await source.project(signal.signal));
  assert.deepEqual(suggested.shown, { count: records - own.length, of: records - own.length });
  assert.equal(suggested.hidden.of, own.length);
  await assert.rejects(
    Suggester.open(nodes.at('trained'), questionSchema.parse({ ...question, choices: ['yes', 'no'] })),
    /other answers than the question has/,
  );
});

test('what the log has no room for is given up, with the reason, and not said again for ever', async () => {
  const nodes = await LogNodes.of(
    logRun([
      { id: 'batch' },
      {
        id: 'answer',
        question: { kind: 'rating', text: 'How good?', from: 1, to: 5 },
        perAuthor: 2,
        perRound: 1,
      },
    ]),
  );
  const node = await nodes.start('node');
  const text = Array.from({ length: 3 }, (_, at) => `${JSON.stringify({ text: `visit ${at}` })}\n`).join('');
  await writeFile(nodes.at('three.jsonl'), text);
  const offer = () => node.command('batch', { file: nodes.at('three.jsonl'), name: 'three', records: 3 });
  // Where the copy of a file cannot be written, that place is named, and not the file.
  const { root } = await blobIdOf(nodes.at('three.jsonl'), crypto);
  const dest = join(node.home, 'runs', nodes.run.runId, 'files', root);
  await mkdir(dest, { recursive: true });
  await assert.rejects(offer(), (error: Error) => {
    assert.match(describeFailure(error).sentence, new RegExp(`^${dest} is a directory `));
    return true;
  });
  await rmdir(dest);
  await until('the records are offered', offer);
  const stopper = new AbortController();
  const source = new LabelSource({
    ...{ target: node.home, run: undefined, crypto, fetchSeconds: 20, say: () => {} },
  });
  const desk = await AnnotatorDesk.open({
    ...{ source, own: [], suggestions: null, signal: stopper.signal },
  });
  const done = desk.follow();
  // A word that is changed is said in the next round, where this one has no room: that is no trouble of whoever says it.
  const { record } = desk.work().cards[0]!;
  const troubles = new Set<string | null>();
  for (const value of ['1', '2', '3']) {
    desk.answer({ record, value, ms: 1 });
    await until('it is in the log', async () => {
      troubles.add(desk.work().trouble);
      return desk.waiting === 0;
    });
  }
  // Three in one entry: the one that is too many does not take the others with it.
  desk.answer({ record, value: '3', ms: 1 });
  for (const { record } of desk.work().cards) desk.answer({ record, value: '3', ms: 1 });
  await until('all is written or given up', async () => desk.waiting === 0);
  const { trouble, progress, cards } = desk.work();
  assert.match(trouble ?? '', /too many of one key/);
  assert.equal(desk.givenUp, 1);
  await until('two are in the log', async () => (await source.project(stopper.signal)).answers.length === 2);
  assert.deepEqual([progress.answered, cards.length], [2, 1]);
  stopper.abort();
  await done;
  assert.deepEqual([...troubles], [null]);
});

test('right answers are hidden until they are told, and the annotations of Label Studio are signed', async () => {
  const nodes = await LogNodes.prepared();
  const made = await starlings('node', 'id', '--dir', nodes.at('ann'), '--json');
  await nodes.sign(
    logRun([
      { id: 'batch' },
      { id: 'gold', by: [String(jsonOf(made)['peerKey'])] },
      { id: 'answer', question: { kind: 'rating', text: 'How good?', from: 1, to: 5 }, answersMin: 2 },
      { id: 'ruling', by: [String(jsonOf(made)['peerKey'])] },
    ]),
  );
  const [ann, bob] = [await nodes.start('ann'), await nodes.start('bob')];
  const stars = (rating: number) => [
    { from_name: 'stars', to_name: 'text', type: 'rating', value: { rating } },
  ];
  // Ann knows what 70 visits deserve; a user of Label Studio gave all of them three.
  const tasks = Array.from({ length: 70 }, (_, at) => ({
    data: { text: `visit ${at}` },
    annotations: [
      { completed_by: 1, ground_truth: true, result: stars(1 + (at % 5)) },
      { completed_by: 2, result: stars(3) },
    ],
  }));
  await writeFile(nodes.at('tasks.json'), JSON.stringify(tasks));
  const gold = nodes.at('right.json');
  const label = (name: string, node: LogNode, ...given: string[]) =>
    starlings('label', name, '--dir', node.home, ...given, '--json');
  const offer = [
    '--file',
    nodes.at('tasks.json'),
    '--name',
    'visits',
    '--gold-out',
    gold,
    '--gold-share',
    '1',
  ];
  const stranger = await label('import', bob, ...offer);
  assert.equal(stranger.exitCode, 2, stranger.stderr);
  assert.match(stranger.stderr, /does not name this node/);
  const nowhere = await label('import', ann, ...offer, '--gold-column', 'nosuch');
  assert.match(nowhere.stderr, /no right answers are in its column or field 'nosuch'/);
  const imported = await until('the records are offered', async () => {
    const end = await label('import', ann, ...offer);
    if (end.exitCode !== 0) throw new Error(end.stderr);
    return jsonOf(end);
  });
  assert.equal(imported['gold'], 70);
  const states = await bob.command('labels');
  assert.ok(!JSON.stringify(states).includes('salt') && (states['gold'] as object[]).length === 0);

  // Bob signs what somebody said in Label Studio; the page of another tells of it.
  const answered = await until('bob has answered', async () => {
    const end = await label('answer', bob, '--file', nodes.at('tasks.json'), '--of', '2');
    if (end.exitCode !== 0) throw new Error(end.stderr);
    return jsonOf(end);
  });
  assert.deepEqual([answered['answered'], answered['lost'], answered['wrong']], [70, 0, 0]);
  // The same export again adds nothing to the log.
  const repeated = jsonOf(await label('answer', bob, '--file', nodes.at('tasks.json'), '--of', '2'));
  assert.deepEqual([repeated['answered'], repeated['before'], repeated['lost']], [0, 70, 0]);

  // Ann sees how he does before anybody knows what he was tried with, the others afterwards.
  const goldAt = async (node: LogNode, ...given: string[]) => {
    const end = await label('agreement', node, ...given);
    assert.equal(end.exitCode, 0, end.stderr);
    const { annotators } = jsonOf(end) as { annotators: { author: string; gold: object }[] };
    return annotators.find(({ author }) => author === bob.key)?.gold;
  };
  const right = { count: 14, of: 70 };
  await until('ann has his answers', async () => {
    const { answers } = await ann.command('labels');
    return (answers as unknown[]).length === 70;
  });
  assert.deepEqual(await goldAt(ann, '--gold', gold), right);
  assert.deepEqual(await goldAt(ann), { count: 0, of: 0 });
  const revealed = await label('reveal', ann, '--gold', gold);
  assert.equal(revealed.exitCode, 0, revealed.stderr);
  assert.deepEqual([jsonOf(revealed)['revealed'], jsonOf(revealed)['passed']], [70, 0]);
  await until('bob knows', async () => ((await bob.command('labels'))['gold'] as object[]).length === 70);
  assert.deepEqual(await goldAt(bob), right);
  const again = await label('reveal', ann, '--gold', gold);
  assert.deepEqual([jsonOf(again)['revealed'], jsonOf(again)['passed']], [0, 3]);

  // Nobody mends what it said of them.
  const late = await label('answer', bob, '--file', nodes.at('tasks.json'), '--of', '1');
  assert.equal(late.exitCode, 1);
  assert.match(late.stderr, /its answer is told/);
  // What was told is decided otherwise by nobody who does not know it.
  const nobody = await label('answer', bob, '--file', nodes.at('tasks.json'), '--of', '3');
  assert.equal(nobody.exitCode, 2);
  assert.match(nobody.stderr, /nothing in it is by 3; --of one of 1, 2\n/);
  const [told] = (await ann.command('labels'))['gold'] as { record: string; value: string }[];
  const record = told!.record;
  const otherwise = told!.value === '5' ? '1' : '5';
  const decide = (...given: string[]) => label('decide', ann, '--record', record, ...given);
  const refused = await decide('--value', otherwise);
  assert.equal(refused.exitCode, 1, refused.stderr);
  assert.ok(refused.stderr.includes(`its right answer was told, "${told!.value}"`), refused.stderr);
  const decided = await decide('--value', otherwise, '--over', told!.value);
  assert.equal(decided.exitCode, 0, decided.stderr);
  const out = nodes.at('out.json');
  const exported = await label('export', bob, '--out', out, '--format', 'label-studio');
  assert.equal(jsonOf(exported)['written'], 70);
  assert.equal((JSON.parse(await readFile(out, 'utf8')) as object[]).length, 70);
});

test('an import of right answers that is cut short goes on when it is typed again, and loses none', async () => {
  const nodes = await LogNodes.prepared();
  const made = await starlings('node', 'id', '--dir', nodes.at('ann'), '--json');
  await nodes.sign(
    logRun(
      [
        { id: 'batch' },
        { id: 'gold', by: [String(jsonOf(made)['peerKey'])] },
        { id: 'answer', question: { kind: 'choice', text: 'Good?', choices: ['good', 'bad'] } },
      ],
      // Long enough that a round is full before it is over.
      { slotMs: 3000 },
    ),
  );
  const ann = await nodes.start('ann');
  // 16 lists of 32 are what an author says in a round.
  const many = 20 * 32;
  const rows = Array.from({ length: many }, (_, at) => `visit ${at},good`);
  await writeFile(nodes.at('known.csv'), `text,right\n${rows.join('\n')}\n`);
  const gold = nodes.at('right.json');
  const args = [
    ...['label', 'import', '--dir', ann.home, '--file', nodes.at('known.csv'), '--name', 'visits'],
    ...['--gold-out', gold, '--gold-column', 'right', '--gold-share', '1', '--json'],
  ];
  const hashed = async () => ((await ann.command('labels'))['goldHidden'] as object[]).length;
  const first = startStarlings(args);
  await until('a round is full', async () => (await hashed()) > 0);
  first.child.kill('SIGINT');
  assert.equal((await first.ended).exitCode, 130);
  const kept = await readFile(gold, 'utf8');
  assert.ok((await hashed()) < 20);
  assert.deepEqual((await ann.command('labels'))['batches'], []);

  const again = await starlings(...args);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(jsonOf(again)['gold'], many);
  assert.equal(await readFile(gold, 'utf8'), kept);
  assert.equal(await hashed(), 20);
  const third = await starlings(...args);
  assert.equal(third.exitCode, 2);
  assert.match(third.stderr, /--name visits: records of that name are offered already/);
  await writeFile(nodes.at('known.csv'), 'text,right\nanother visit,good\n');
  const other = await starlings(...args.map((word) => (word === 'visits' ? 'other' : word)));
  assert.equal(other.exitCode, 2);
  assert.match(other.stderr, /right\.json exists; choose another --gold-out, or --force/);
});
