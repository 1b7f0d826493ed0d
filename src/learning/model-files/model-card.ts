/** What people should know of a model that somebody hands them: a page beside the file (Mitchell et al., "Model cards", 2019). */
import type { TaskSpec } from '../../tasks/data/registry.ts';
import { headlineOf, type Measure, writeMeasure, writeShare } from '../../tasks/measures.ts';
import { parameterCount } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';

/** What is known of how a model came to be; null where nobody wrote it down. */
export interface Origin {
  /** Of the run. */
  readonly name: string | null;
  readonly runId: string | null;
  /** Last round that is in it. */
  readonly round: string | null;
  readonly method: string | null;
  readonly modelHash: string | null;
  /** Tensors that are of the one node that saved it; the hash is that of the others. */
  readonly personal?: readonly string[];
  /** On held-out examples. */
  readonly measured: {
    readonly accuracy: number | null;
    /** In place of accuracy; absent where accuracy is all there is. */
    readonly measures?: readonly Measure[];
    readonly loss: number | null;
    readonly examples: number;
    /** The figure to look at of a twin that trained alone. */
    readonly alone: Measure | null;
    /** What who always says the most frequent class of them would reach. */
    readonly majority: { readonly label: number; readonly share: number } | null;
  } | null;
  readonly authors: readonly {
    readonly key: string;
    readonly name: string | null;
    readonly deltas: number;
    readonly share: number;
  }[];
}

export interface CardParts {
  readonly model: ModelSpec;
  readonly task: TaskSpec | null;
  readonly classes: readonly string[];
  readonly origin: Origin;
  readonly format: string;
  /** Lines of a program that asks it. */
  readonly use: readonly string[];
}

const authorsMax = 64;

/** Markdown. What peers chose as names is written as text, whatever it looks like. */
export function modelCard({ model, task, classes, origin, format, use }: CardParts): string {
  const { name, runId, round, method, modelHash, authors, personal = [] } = origin;
  const rows: readonly (readonly [string, string | null])[] = [
    ['model', `${model.kind}, ${parameterCount(model)} parameters, as ${format}`],
    ['task', task?.kind ?? null],
    ['classes', classes.length > 0 && classes.length <= 100 ? classes.map(plain).join(', ') : null],
    ['run', runId && `${name === null ? '' : `${plain(name)}, `}\`${plain(runId)}\``],
    ['method', method && plain(method)],
    ['last round', round && plain(round)],
    ['tensors of the one node that it is from', personal.length > 0 ? personal.map(plain).join(', ') : null],
    [
      `SHA-256 of its ${personal.length > 0 ? 'other ' : ''}numbers (float32, little-endian)`,
      modelHash && `\`${plain(modelHash)}\``,
    ],
    ['measured', measuredText(origin, classes)],
  ];
  const table = rows.flatMap(([what, text]) => (text === null ? [] : [`| ${what} | ${text} |`]));
  return [
    `# ${name === null ? model.kind : plain(name)}`,
    'Trained with starlings by peers, each on data of its own, which stayed where it was.',
    ['| | |', '|---|---|', ...table].join('\n'),
    ...(authors.length > 0 ? ['## Who trained it', authorTable(authors)] : []),
    '## How to use it',
    ['```', ...use, '```'].join('\n'),
    'Inputs are raw values, in the order and the units of the data; the model scales them itself where its format can. It is as good as it was\n' +
      'measured to be on examples like those it was trained on, and nothing is known of others.',
  ]
    .join('\n\n')
    .concat('\n');
}

function measuredText({ measured }: Origin, classes: readonly string[]): string | null {
  if (measured === null) return null;
  const alone =
    measured.alone === null ? '' : `; trained alone on the same node ${writeMeasure(measured.alone)}`;
  const { majority } = measured;
  const always =
    majority &&
    `; always ${plain(classes[majority.label] ?? String(majority.label))}: ${writeShare(majority.share)}`;
  const loss = measured.loss === null ? '' : `, loss ${measured.loss.toFixed(4)}`;
  const own = headlineOf(measured);
  const measures = measured.measures ?? (own ? [own] : []);
  const figures = measures.map((one) => `${plain(one.id)} ${writeMeasure(one)}`).join(', ');
  return `${figures}${loss} on ${measured.examples} held-out answers${always ?? ''}${alone}`;
}

function authorTable(authors: Origin['authors']): string {
  const rows = authors.slice(0, authorsMax).map(({ key, name, deltas, share }) => {
    const who = name === null ? '' : plain(name);
    return `| ${who} | \`${plain(key)}\` | ${deltas} | ${(100 * share).toFixed(1)} % |`;
  });
  const rest = authors.length - authorsMax;
  const more = rest > 0 ? [`and ${rest} more`] : [];
  return ['| name | key | updates | share of the change |', '|---|---|---|---|', ...rows, ...more].join('\n');
}

function plain(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>|#!~&]/g, (sign) => `\\${sign}`).replaceAll(/\s+/g, ' ');
}
