/** The YAML of a new run, with comments for who changes it. */
import type { TaskSpec } from '../../tasks/data/registry.ts';
import { taskKindOf } from '../../tasks/data/registry.ts';
import type { SizedStarter } from '../../tasks/models/starters.ts';
import { asYaml } from './render-task.ts';

export interface RunFileParts {
  readonly name: string;
  readonly data: string;
  readonly task: TaskSpec;
  readonly starter: SizedStarter;
  /** Keys; none: anyone may take part. */
  readonly members: readonly string[];
  readonly peers: number;
}

/** Models of fewer parameters are one chunk, of which half travels: bytes do not matter there. */
const smallModelMax = 4096;
const chunkMin = 64;

export function renderRunFile({ name, data, task, starter, members, peers }: RunFileParts): string {
  const { model, training, rounds, slotMs, parameters } = starter;
  const hasScaling = (taskKindOf(task).names?.(task).features ?? null) !== null;
  const open = members.length === 0;
  const sections: readonly (readonly [comment: string, fields: object])[] = [
    [`Made by \`starlings init\` from ${oneLine(data)}. Every field: docs/CONFIG.md`, { name }],
    [`${parameters.toLocaleString('en')} parameters`, { model }],
    [taskComment(hasScaling), { task }],
    ['What each node does in a round', { training }],
    [
      `delta-log: all nodes end with the same model, bit for bit. expectedPeers matters in the first rounds alone${open ? judgingComment : ''}`,
      { strategy: { id: 'delta-log', expectedPeers: peers, ...codecOf(parameters) } },
    ],
    ['Of the start vector and every batch', { seed: 1 }],
    [
      'The run ends after so many rounds, of so many milliseconds each where nodes keep up',
      { rounds, slotMs },
    ],
    [
      open
        ? 'Anyone who has the run id may take part. To name those who may:\n{ kind: allow-list, members: [KEY, ...] }, by the keys that `starlings node id` prints'
        : 'Keys of the nodes that may take part, as `starlings node id` prints them',
      { membership: open ? { kind: 'open' } : { kind: 'allow-list', members } },
    ],
  ];
  return `${sections.map(([comment, fields]) => `${commented(comment)}\n${asYaml(fields)}`).join('\n\n')}\n`;
}

/** The examples are somebody's own: which of them everybody may see is not for us to say. */
const judgingComment = `.
Who publishes what does harm loses its weight by votes of the others. Better are scores on examples that everybody may see: name them at
the top level as \`evaluation: PATH\`. \`judging: null\`, here: nobody judges`;

function taskComment(hasScaling: boolean): string {
  const read = 'How each node reads its own examples, which never leave it';
  if (!hasScaling) return read;
  return `${read}.
mean, scale and values of text are those of this file, and go to everybody who takes part. With data at several places better give
common ones (\`starlings data moments\` counts them without rows)`;
}

function codecOf(parameters: number): object {
  if (parameters > smallModelMax) return {};
  const chunk = Math.max(chunkMin, 2 ** Math.ceil(Math.log2(parameters)));
  return { codec: { chunk, perChunk: Math.ceil(parameters / 2) } };
}

function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n');
}

/** A path may hold anything, and nothing of it may end the comment. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, '?');
}
