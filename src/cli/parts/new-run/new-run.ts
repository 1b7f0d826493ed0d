/** A run for data of the user's: what they answered, what the data says, and the file that comes of both. */
import { basename, extname } from 'node:path';
import { ConfigError } from '../../../config/config-error.ts';
import { parseYaml } from '../../../config/yaml-file.ts';
import { hex32 } from '../../../core/bytes.ts';
import { shellWord } from '../../../platform/node/shell-word.ts';
import { protectionsOf, withProtection } from '../../../run/protection.ts';
import { impossibleCombination, type RunSpec, runYamlSchema } from '../../../run/run-spec.ts';
import type { DataReport, Refusal } from '../../../tasks/data/data-report.ts';
import { inspectData } from '../../../tasks/data/inspect-data.ts';
import { taskKindOf } from '../../../tasks/data/registry.ts';
import { type SizedStarter, startersFor } from '../../../tasks/models/starters.ts';
import { renderData } from '../../view/render-data.ts';
import { renderRunFile } from '../../view/render-run-file.ts';
import { checkMayWrite } from '../may-write.ts';
import type { Asker } from './asker.ts';
import { type DataSource, sourceOf } from './data-source.ts';
import type { LabelOptions } from './label-options.ts';
import { askedEpsilon, examplesIn, privacyLines, privateTraining } from './private-run.ts';

export interface GivenAnswers extends LabelOptions {
  readonly data?: string;
  readonly model?: string;
  readonly name?: string;
  readonly member?: readonly string[];
  readonly peers?: number;
  readonly privacyEpsilon?: number;
  readonly out?: string;
  readonly force?: true;
}

export interface NewRun {
  readonly out: string;
  readonly text: string;
  readonly spec: RunSpec;
  readonly refused: readonly Refusal[];
  /** What to say of it. */
  readonly lines: readonly string[];
  /** Commands that go on from here. */
  readonly next: readonly string[];
}

const outDefault = 'run.yaml';
const peersDefault = 4;
const nameForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Asks, where somebody is there, what was not given. @throws ConfigError, DataFileError; InterruptedError where they would not say */
export async function newRun(given: GivenAnswers, asker: Asker | null): Promise<NewRun> {
  if (given.out !== undefined || asker === null) checkMayWrite(given.out ?? outDefault, given.force);
  const data = given.data ?? (await asker?.text({ message: 'Where are your examples?', wrong: isNothing }));
  if (data === undefined) {
    throw new ConfigError('BAD_USAGE', '`starlings init` needs --data where there is no terminal to ask on');
  }
  const { source, report } = await understood(data, given, asker);
  const starter = await chosenStarter(source, report, given.model, asker);
  const epsilon = given.privacyEpsilon ?? (await askedEpsilon(asker));
  const training =
    epsilon === null ? starter.training : privateTraining(starter.training, examplesIn(report), epsilon);
  const members = given.member ?? (await askedMembers(given, asker));
  const name = given.name ?? (await asker?.text(nameQuestion(data))) ?? nameOf(data);
  const out = given.out ?? (await asker?.text(outQuestion(given.force))) ?? outDefault;
  const text = renderRunFile({
    name,
    data,
    task: source.task,
    starter: { ...starter, training },
    members,
    peers: given.peers ?? (members.length || peersDefault),
  });
  return checked(text, { data, out, task: source.task });
}

interface Understood {
  readonly source: DataSource;
  readonly report: DataReport;
}

async function understood(data: string, given: GivenAnswers, asker: Asker | null): Promise<Understood> {
  const look = async (hints: LabelOptions): Promise<Understood> => {
    const source = await sourceOf(data, hints);
    return { source, report: await inspectData(source.task, source.run?.model ?? null, data) };
  };
  const first = await look(given);
  const columns = first.report.table?.columns.map(({ column }) => column) ?? [];
  if (asker === null || given.label !== undefined || columns.length < 2) return first;
  const label = await asker.choose({
    message: 'Which column is to be predicted?',
    choices: columns.map((column) => ({ value: column, label: column })),
    initial: columns.at(-1)!,
  });
  return look({ ...given, label });
}

async function chosenStarter(
  { task }: DataSource,
  report: DataReport,
  given: string | undefined,
  asker: Asker | null,
): Promise<SizedStarter> {
  const { feeds, exampleSize } = taskKindOf(task);
  const starters = exampleSize === undefined ? [] : startersFor(feeds, exampleSize(task, report));
  const [smallest] = starters;
  if (smallest === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      `no model of ours suits such data of the kind ${task.kind}; begin with a file of configs/runs`,
    );
  }
  const kind =
    given ??
    (await asker?.choose({
      message: 'Which model?',
      choices: starters.map(({ model, parameters }) => ({
        value: model.kind,
        label: model.kind,
        hint: `${parameters.toLocaleString('en')} parameters`,
      })),
      initial: smallest.model.kind,
    })) ??
    smallest.model.kind;
  const chosen = starters.find(({ model }) => model.kind === kind);
  if (chosen !== undefined) return chosen;
  const known = starters.map(({ model }) => model.kind).join(', ');
  throw new ConfigError('BAD_USAGE', `--model ${kind}: none that suits such data; those that do: ${known}`);
}

async function askedMembers({ peers }: GivenAnswers, asker: Asker | null): Promise<readonly string[]> {
  if (asker === null || peers !== undefined) return [];
  const who = await asker.choose({
    message: 'Who may take part?',
    choices: [
      { value: 'anyone', label: 'anyone who has the run id', hint: 'no defence against many false peers' },
      { value: 'members', label: 'these nodes only', hint: 'by the keys that `starlings node id` prints' },
    ],
  });
  if (who === 'anyone') return [];
  const keys = await asker.text({
    message: 'Their keys, with commas between',
    wrong: (value) =>
      keysIn(value).length > 0 && keysIn(value).every((key) => hex32.test(key))
        ? undefined
        : 'each is 64 hexadecimal digits',
  });
  return keysIn(keys);
}

/** Reads the file back as everybody else will, and looks at the data with its eyes. */
async function checked(
  text: string,
  { data, out, task }: { readonly data: string; readonly out: string; readonly task: DataSource['task'] },
): Promise<NewRun> {
  const {
    startFrom: _start,
    base: _base,
    evaluation,
    ...said
  } = parseYaml(text, out, runYamlSchema, impossibleCombination);
  const spec = withProtection(said, { hasEvaluation: evaluation !== undefined, isOneHand: false });
  const source = { task, run: spec };
  const report = await inspectData(task, spec.model, data);
  const { refused } = report;
  const at = shellWord(data);
  const check = `starlings data check ${at} --run ${shellWord(out)}`;
  const canSplit = taskKindOf(task).writeShares !== undefined;
  const next =
    refused.length > 0
      ? [check]
      : [
          ...(canSplit ? [`starlings start ${shellWord(out)} --split ${at} --nodes 3`] : []),
          `starlings run create ${shellWord(out)}`,
          `starlings node --run run.manifest --data ${at}`,
        ];
  const lines = [
    renderData(source, report),
    '',
    `wrote     ${out}: ${spec.name}, ${spec.model.kind}`,
    ...protectionsOf(spec).map((sentence) => `protects  ${sentence}`),
    ...privacyLines(spec, report),
    ...(refused.length > 0
      ? ['the data is not taken as it is: mend what is listed above, or the task in the file, then']
      : [
          canSplit
            ? 'next: try it on this machine, then sign it and take part'
            : 'next: sign it and take part',
        ]),
    ...next.map((command) => `  ${command}`),
  ];
  return { out, text, spec: said, refused, lines, next };
}

function isNothing(value: string): string | undefined {
  return value.trim() === '' ? 'the path of a file or folder' : undefined;
}

function nameQuestion(data: string) {
  return {
    message: 'What is the run called?',
    initial: nameOf(data),
    wrong: (value: string) =>
      nameForm.test(value) ? undefined : 'lower-case letters, digits and dashes, 63 at most',
  };
}

function outQuestion(force: true | undefined) {
  return {
    message: 'Which file?',
    initial: outDefault,
    wrong: (value: string) => {
      try {
        checkMayWrite(value, force);
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

function nameOf(data: string): string {
  const plain = basename(data, extname(data))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return nameForm.test(plain) ? plain : 'my-run';
}

function keysIn(text: string): string[] {
  return text.split(',').flatMap((key) => key.trim() || []);
}
