/** Nobody asks which kind of model or task a thing is: what differs between kinds is said by their descriptors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskKinds } from '../../src/tasks/data/registry.ts';
import { modelKinds } from '../../src/tasks/models/registry.ts';
import { readSources, type SourceFile, withoutComments } from './source-tree.ts';

const kinds = [...modelKinds, ...taskKinds].map(({ kind }) => kind);
/** `kind === 'gpt'`, `case 'table':`, `Exclude<TaskSpec, { kind: 'text' }>`, `'height' in model`. */
const patterns = [
  new RegExp(`\\bkind (?:===|!==) '(?:${kinds.join('|')})'`),
  new RegExp(`\\bcase '(?:${kinds.join('|')})':`),
  new RegExp(`\\b(?:Extract|Exclude)<(?:Model|Task)Spec, \\{[^}]*'(?:${kinds.join('|')})'`),
  /'\w+' in (?:\w+\.)?(?:model|task)\b/,
];

function askers(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    withoutComments(text)
      .split('\n')
      .flatMap((line, index) =>
        patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}

test('no code of src, sim or bench asks for the kind of a model or a task', () => {
  assert.deepEqual(
    askers(readSources('src', 'sim', 'bench')),
    [],
    'give ModelKind or TaskKind the property that is asked for: docs/ARCHITECTURE.md, Models and tasks',
  );
  const planted = [
    "if (model.kind === 'gpt') {}",
    "return task.kind !== 'idx-images';",
    "    case 'table':",
    "const f = (task: Extract<TaskSpec, { kind: 'text' }>) => task;",
    "const isImage = 'height' in spec.model;",
  ];
  assert.equal(askers(planted.map((text) => ({ path: 'src/x.ts', text }))).length, planted.length);
});
