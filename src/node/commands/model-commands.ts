/** What people do in a run that is a registry of models: the part of the table of commands that is about it. */
import { constants, existsSync } from 'node:fs';
import { access, copyFile, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../core/parse-json.ts';
import {
  type Catalogue,
  type CatalogueModel,
  catalogueOf,
  modelNamed,
} from '../../entries/models/catalogue.ts';
import { cardBytesTop, type Publication } from '../../entries/models/publication.ts';
import { titleOf } from '../../entries/record-kind.ts';
import { readSafetensors } from '../../learning/model-files/safetensors.ts';
import { refuseReplacing } from '../../platform/node/atomic-file.ts';
import type { BlobId } from '../../platform/node/blob-file.ts';
import { taskSchema } from '../../tasks/data/registry.ts';
import { NodeError } from '../node-error.ts';
import { amount } from '../words/amount.ts';
import {
  command,
  type NodeCommand,
  type NodeControl,
  path,
  reading,
  run,
  sizeOfFile,
  viewOf,
  wholeLog,
  written,
  writtenWithFile,
} from './node-command.ts';

const text = (max: number) => z.string().min(1).max(max);
const model = text(128).describe(
  'name of a published model, or name@version; the newest of a name that stands',
);
/** On a command line all values are texts. */
const amountOf = (max: number, min = 0) => z.coerce.number().int().min(min).max(max);

/** Looked for at its holders so long, where nothing else is said. */
const patienceSeconds = 600;

export const MODEL_COMMANDS: readonly NodeCommand[] = [
  command(
    'publish',
    'offer a model to the members of a registry: its file is kept here and handed on',
    z.strictObject({
      run,
      file: path.describe('a model file as nodes save them (safetensors)'),
      model: text(96).describe(
        'name@version: a name belongs to the key that published it first, a version is published once',
      ),
      licence: text(64).describe('under which it may be used, by its SPDX id'),
      card: path.optional().describe('file of Markdown about it'),
      metric: z
        .array(text(256))
        .max(16)
        .optional()
        .describe('NAME=VALUE:DATA, such as accuracy=0.95:held-out; what it was measured on belongs to it'),
      parent: text(128).optional().describe('name@version of what it was made of'),
      arena: text(256).optional().describe('RUN:SUBMISSION, where it was submitted to an arena'),
    }),
    async (control, given) => {
      const { runId } = viewOf(control, given.run);
      const about = await aboutOf(given);
      const { parent } = about.lineage;
      // It may be in another registry: it is said, and no more.
      const isOrphan =
        parent !== undefined && modelNamed(await catalogueIn(control, runId), titleOf(parent)) === null;
      const publicationOf = ({ root, bytes }: BlobId): Publication => ({ ...about, root, bytes });
      const { blob, ...result } = await writtenWithFile(control, given.file, {
        ...{ runId, kind: 'publish', refusal: `${titleOf(about)} was not published` },
        textOf: (kept) => JSON.stringify(publicationOf(kept)),
      });
      return {
        json: { runId, ...result, publication: publicationOf(blob) },
        lines: [
          `published ${titleOf(about)} (${result.entryId})`,
          `root      ${blob.root}, ${blob.bytes} bytes`,
          ...(isOrphan
            ? [
                `parent    ${titleOf(parent)} is not published in this registry: who reads of it finds it elsewhere, or nowhere`,
              ]
            : []),
        ],
      };
    },
  ),
  command(
    'retire',
    'take a model of yours back: it is shown as retired, and nobody forgets it',
    z.strictObject({ run, model, reason: text(200).describe('why, in one line') }),
    (control, { model: wanted, reason, ...given }) =>
      tell(control, given.run, wanted, 'retire', (title) => ({ ...title, reason })),
  ),
  command(
    'feedback',
    'say what you think of a model of somebody else: your last word counts',
    z.strictObject({
      run,
      model,
      rating: amountOf(5, 1).describe('1 to 5'),
      text: text(280).optional().describe('one line'),
    }),
    (control, { model: wanted, rating, text: said, ...given }) =>
      tell(control, given.run, wanted, 'feedback', (title) => ({
        ...{ ...title, rating },
        ...(said === undefined ? {} : { text: said }),
      })),
  ),
  command(
    'usage',
    'say how much you used a model of somebody else since you last said so',
    z.strictObject({
      run,
      model,
      requests: amountOf(1_000_000_000).describe('requests that it answered'),
      units: amountOf(1_000_000_000).describe('bytes of text, or rows, that it answered with'),
    }),
    (control, { model: wanted, requests, units, ...given }) =>
      tell(control, given.run, wanted, 'usage', (title) => ({ ...title, requests, units })),
  ),
  reading(
    command(
      'models',
      'the models of a registry, one a line, with what was refused',
      z.strictObject({
        run,
        find: text(128).optional().describe('text in name, kind, task, licence or card'),
      }),
      async (control, { find, ...given }) => {
        const { runId } = viewOf(control, given.run);
        const { models, ...refused } = await catalogueIn(control, runId);
        const found = models.filter(({ publication }) => find === undefined || mentions(publication, find));
        const lines = found.map(modelLine);
        return {
          json: { runId, models: found.map(inShort), ...refused },
          lines: [
            ...(lines.length > 0 ? lines : ['no such model is published here']),
            ...refused.refused.map(
              ({ kind, author, what, reason }) =>
                `refused   ${kind} of ${what} by ${author.slice(0, 8)}: ${reason}`,
            ),
          ],
        };
      },
    ),
  ),
  reading(
    command(
      'model',
      'all that is known of a published model',
      z.strictObject({ run, model }),
      async (control, { model: wanted, ...given }) => {
        const { runId } = viewOf(control, given.run);
        const found = await modelIn(control, runId, wanted);
        const blobs = control.blobs(runId);
        const { root } = found.publication;
        const isHere = blobs.held().includes(root);
        const file = isHere ? blobs.pathOf(root) : null;
        return { json: { runId, ...found, file }, lines: modelLines(found, isHere) };
      },
    ),
  ),
  command(
    'pull',
    'fetch a published model from those who keep it, and write it to a file',
    z.strictObject({
      run,
      model,
      out: path.describe('file to write'),
      seconds: amountOf(86_400).default(patienceSeconds).describe('how long holders are looked for'),
    }),
    async (control, { model: wanted, out, seconds, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const { publication, retired } = await modelIn(control, runId, wanted);
      const blobs = control.blobs(runId);
      const isKept = blobs.held().includes(publication.root);
      await refuseOther(out);
      // Of a copy the system names the source, whatever it was that is not there.
      await access(dirname(out), constants.W_OK);
      await fetched(control, runId, publication, seconds);
      // Not the same file: whoever writes into theirs must not change what is handed on.
      await copyFile(blobs.pathOf(publication.root), out, constants.COPYFILE_FICLONE);
      // What nobody pinned is not ours to hand on for good.
      if (!isKept) await blobs.drop(publication.root);
      return {
        json: { runId, out, publication, retired },
        lines: [
          `pulled    ${titleOf(publication)}, ${publication.bytes} bytes, to ${out}`,
          ...(retired === null ? [] : [`retired   its author took it back: ${retired}`]),
        ],
      };
    },
  ),
  command(
    'pin',
    'keep a published model and hand it on, so that it stays when its author is away',
    z.strictObject({
      run,
      model,
      seconds: amountOf(86_400).default(patienceSeconds).describe('how long holders are looked for'),
    }),
    async (control, { model: wanted, seconds, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const { publication } = await modelIn(control, runId, wanted);
      await fetched(control, runId, publication, seconds);
      return {
        json: { runId, publication },
        lines: [`pinned    ${titleOf(publication)}, ${publication.bytes} bytes`],
      };
    },
  ),
  command(
    'unpin',
    'keep a published model no longer',
    z.strictObject({ run, model }),
    async (control, { model: wanted, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const { publication } = await modelIn(control, runId, wanted);
      await control.blobs(runId).drop(publication.root);
      return { json: { runId, publication }, lines: [`unpinned  ${titleOf(publication)}`] };
    },
  ),
];

interface Described {
  readonly file: string;
  readonly model: string;
  readonly licence: string;
  readonly card?: string | undefined;
  readonly metric?: readonly string[] | undefined;
  readonly parent?: string | undefined;
  readonly arena?: string | undefined;
}

/** What the file says of itself, and its publisher beside. @throws NodeError, ModelFileError, system errors */
async function aboutOf(given: Described): Promise<Omit<Publication, 'root' | 'bytes'>> {
  const { file, licence, card, metric = [], parent, arena } = given;
  checkLicence(licence);
  const { model: spec, metadata } = await readSafetensors(file);
  const task = taskSchema.safeParse(parseJson(metadata['task'] ?? '')).data?.kind ?? 'unknown';
  const { runId, round } = metadata;
  return {
    ...titleIn(given.model),
    ...{ licence, task, kind: spec.kind },
    metrics: metric.map(metricOf),
    lineage: {
      ...(parent === undefined ? {} : { parent: titleIn(parent) }),
      ...(runId === undefined || round === undefined ? {} : { run: { id: runId, round: Number(round) } }),
      ...(arena === undefined ? {} : { arena: submissionIn(arena) }),
    },
    card: card === undefined ? '' : await cardIn(card),
  };
}

async function cardIn(file: string): Promise<string> {
  const size = await sizeOfFile(file);
  if (size <= cardBytesTop) return readFile(file, 'utf8');
  throw new NodeError('BAD_INPUT', `${file} has ${size} bytes: a card has at most ${cardBytesTop}`);
}

/** A model is replaced by a newer one; what is none was not meant. @throws NodeError, as `refuseReplacing` */
async function refuseOther(out: string): Promise<void> {
  refuseReplacing(out);
  if (!existsSync(out)) return;
  await readSafetensors(out).catch(() => {
    throw new NodeError('NOT_REPLACED', `${out} exists and is no model: choose another --out`);
  });
}

/** As far as it can be told from its form: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/ */
const spdxExpression = /^\(*[A-Za-z0-9.+-]+\)*(?: (?:AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*$/;

/** It is published for good. @throws NodeError */
function checkLicence(licence: string): void {
  if (spdxExpression.test(licence)) return;
  throw new NodeError(
    'BAD_INPUT',
    `licence ${licence} is no SPDX id: write for example MIT or Apache-2.0, or LicenseRef-NAME for one of your own`,
  );
}

function metricOf(given: string): Publication['metrics'][number] {
  const [, name = '', value = '', data = ''] = /^([^=]+)=([^:]+):(.+)$/.exec(given) ?? [];
  if (name !== '' && Number.isFinite(Number(value))) return { name, value: Number(value), data };
  throw new NodeError('BAD_INPUT', `${given} is no metric: expected NAME=VALUE:DATA`);
}

/** @throws NodeError */
function titleIn(given: string): { readonly name: string; readonly version: string } {
  const [name = '', version = ''] = given.split('@', 2);
  if (name !== '' && version !== '') return { name, version };
  throw new NodeError('BAD_INPUT', `${given} names no version: expected NAME@VERSION`);
}

/** @throws NodeError */
function submissionIn(given: string): { readonly id: string; readonly submission: string } {
  const [, id = '', submission = ''] = /^([a-z0-9]+):([0-9a-f]{64})$/.exec(given) ?? [];
  if (id !== '') return { id, submission };
  const expected = 'RUN:SUBMISSION, the run id of the arena and what `arena submit` printed';
  throw new NodeError('BAD_INPUT', `${given} is no submission to an arena: expected ${expected}`);
}

/**
 * With what is not final yet, as everybody will see it once it is. Of a part of the log nothing is said: what is retired since, or belongs to
 * another key, may be in the rest. @throws NodeError
 */
async function catalogueIn(control: NodeControl, runId: string): Promise<Catalogue> {
  await wholeLog(control, runId);
  const catalogue = catalogueOf((kind) => control.stateOf(runId, kind)?.live);
  if (catalogue !== null) return catalogue;
  throw new NodeError('NO_BLOBS', `run ${runId} is no registry: it logs no publications`);
}

async function modelIn(control: NodeControl, runId: string, wanted: string): Promise<CatalogueModel> {
  const found = modelNamed(await catalogueIn(control, runId), wanted);
  if (found !== null) return found;
  throw new NodeError(
    'NOT_PUBLISHED_HERE',
    `run ${runId} has no model ${wanted}; \`models\` lists what there is (\`starlings model search\`)`,
  );
}

/** An entry about a model that is published. @throws NodeError */
async function tell(
  control: NodeControl,
  named: string | undefined,
  wanted: string,
  kind: string,
  bodyOf: (title: { readonly name: string; readonly version: string }) => object,
) {
  const { runId } = viewOf(control, named);
  const { name, version } = (await modelIn(control, runId, wanted)).publication;
  const text = JSON.stringify(bodyOf({ name, version }));
  const refusal = `${name}@${version}: nothing was published`;
  const result = await written(control, { runId, kind, text, refusal });
  return {
    json: { runId, ...result },
    lines: [`published ${kind} of ${name}@${version} (${result.entryId})`],
  };
}

async function fetched(
  control: NodeControl,
  runId: string,
  { root, bytes, ...title }: Publication,
  seconds: number,
): Promise<void> {
  const late = AbortSignal.timeout(1000 * seconds);
  try {
    await control.blobs(runId).pull(titleOf(title), { root, bytes }, late);
  } catch (error) {
    if (!late.aborted) throw error;
    throw new NodeError(
      'NOT_HELD',
      `${titleOf(title)} was not found within ${seconds} s at anybody who is here: ask for it again when others are`,
    );
  }
}

function mentions({ name, kind, task, licence, card }: Publication, find: string): boolean {
  const wanted = find.toLowerCase();
  return [name, kind, task, licence, card].some((one) => one.toLowerCase().includes(wanted));
}

function inShort({ publication, ...rest }: CatalogueModel) {
  const { card, ...about } = publication;
  return { ...rest, publication: { ...about, cardBytes: Buffer.byteLength(card) } };
}

function modelLine({ publication, author, retired, ratings, usage }: CatalogueModel): string {
  const { kind, task, licence, bytes, metrics } = publication;
  const measured = metrics.map(({ name, value, data }) => `${name} ${value} on ${data}`).join(', ');
  return [
    `${titleOf(publication)}  ${kind} for ${task}, ${licence}, ${bytes} bytes, by ${author.slice(0, 8)}`,
    ...(measured === '' ? [] : [measured]),
    ...(ratings.mean === null ? [] : [`${ratings.mean.toFixed(1)} of 5 by ${ratings.count}`]),
    ...(usage.requests === 0 ? [] : [amount(usage.requests, 'request')]),
    ...(retired === null ? [] : [`retired: ${retired}`]),
  ].join('; ');
}

function modelLines(found: CatalogueModel, isHere: boolean): string[] {
  const { publication, author, round, entry, ratings } = found;
  const { lineage, card, root } = publication;
  const { parent, run: from, arena } = lineage;
  return [
    modelLine(found),
    `author    ${author}, in round ${round} (${entry})`,
    `root      ${root}${isHere ? ', kept here' : ''}`,
    ...(parent === undefined ? [] : [`parent    ${titleOf(parent)}`]),
    ...(from === undefined ? [] : [`run       ${from.id}, round ${from.round}`]),
    ...(arena === undefined ? [] : [`arena     ${arena.id}, submission ${arena.submission}`]),
    ...ratings.said.map(
      ({ author: who, rating, text: said }) =>
        `rated     ${rating} by ${who.slice(0, 8)}${said === undefined ? '' : `: ${said}`}`,
    ),
    ...(card === '' ? [] : ['', ...card.split('\n')]),
  ];
}
