/** What people do in a run that is an arena: the part of the table of commands that is about it. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { hex32 } from '../../core/bytes.ts';
import { type Board, type BoardRow, boardOf, wordsOf } from '../../entries/arena/board.ts';
import type { RevealState } from '../../entries/arena/holder-kinds.ts';
import { recordState } from '../../entries/record-kind.ts';
import { NodeError } from '../node-error.ts';
import { isDone } from '../view/run-view.ts';
import { amount } from '../words/amount.ts';
import { arenaPhase, isJudged } from './arena-phase.ts';
import {
  command,
  type NodeCommand,
  type NodeControl,
  path,
  reading,
  run,
  sizeOfFile,
  viewOf,
  written,
  writtenWithFile,
} from './node-command.ts';

/** Of what a holder reveals, as JSON. */
const bodyBytesMax = 16 << 20;

export const ARENA_COMMANDS: readonly NodeCommand[] = [
  command(
    'submit',
    'enter a model for the task of an arena: its file is kept here and handed on',
    z.strictObject({
      run,
      file: path.describe('a model file as nodes save them (safetensors)'),
      name: z.string().min(1).max(63).describe('what it is called on the board'),
    }),
    async (control, { file, name, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const { blob, ...result } = await writtenWithFile(control, file, {
        ...{ runId, kind: 'submission', refusal: `${name} was not submitted` },
        textOf: (submitted) => JSON.stringify({ name, ...submitted }),
      });
      return { json: { runId, ...result, ...blob }, lines: [`submitted ${name} (${result.entryId})`] };
    },
  ),
  reading(
    command(
      'board',
      'who is where in an arena, as far as it is final',
      z.strictObject({ run }),
      async (control, given) => {
        const view = viewOf(control, given.run);
        const board = boardIn(control, view.runId);
        const { runId, round, finalisedRound } = view;
        // Of this node also what is not final yet: who holds a shard says nothing twice.
        const own = wordsOf(control.summary().peerKey, (kind) => control.stateOf(runId, kind)?.live);
        const phase = isDone(view) ? 'over' : arenaPhase(board.untilRounds, round);
        return {
          json: { runId, round, finalisedRound, phase, own, ...board },
          lines: [`phase     ${phase}, final up to round ${finalisedRound}`, ...boardLines(board)],
        };
      },
    ),
  ),
  reading(
    command(
      'revealed',
      'what the holder of a shard has revealed, submission by submission',
      z.strictObject({ run, holder: z.string().regex(/^[0-9a-f]{64}$/, 'is no key') }),
      async (control, { holder, ...given }) => {
        const { runId } = viewOf(control, given.run);
        const state = recordState<RevealState>(control.stateOf(runId, 'reveal')?.final);
        const found = state?.reveals.find((one) => one.holder === holder);
        if (!found) throw new NodeError('NOT_HELD', `${holder} has revealed nothing that is final`);
        const right = found.rows.filter(({ verdict }) => verdict === 'scored').length;
        return {
          json: { runId, ...found },
          lines: [`revealed  ${amount(right, 'score')} of ${amount(found.rows.length, 'submission')}`],
        };
      },
    ),
  ),
  command(
    'write',
    'write an entry into the log of a run, as JSON has it',
    z.strictObject({
      run,
      kind: z.string().min(1).max(64).describe('id of its kind'),
      file: path.describe('JSON of what it says'),
    }),
    async (control, { kind, file, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const size = await sizeOfFile(file);
      if (size > bodyBytesMax) throw new NodeError('NOT_PUBLISHED', `${file} has ${size} bytes: too many`);
      const text = await readFile(file, 'utf8');
      const result = await written(control, { runId, kind, text, refusal: `the ${kind} was not published` });
      return { json: { runId, ...result }, lines: [`published ${result.entryId}`] };
    },
  ),
  command(
    'offer',
    'keep a copy of a file and hand it on to the members of a run, by its Merkle root',
    z.strictObject({ run, file: path }),
    async (control, { file, ...given }) => {
      const { runId } = viewOf(control, given.run);
      await sizeOfFile(file);
      const blob = await control.blobs(runId).offer(file);
      return { json: { runId, ...blob }, lines: [`offered   ${blob.root}, ${blob.bytes} bytes`] };
    },
  ),
  command(
    'fetch',
    'fetch a file from the members of a run, by its Merkle root, and keep it',
    z.strictObject({
      run,
      root: z.string().regex(hex32, 'is no Merkle root'),
      bytes: z.coerce
        .number()
        .int()
        .min(1)
        .max(1 << 30)
        .describe('its length'),
      seconds: z.coerce
        .number()
        .int()
        .min(1)
        .max(86_400)
        .default(60)
        .describe('how long holders are looked for'),
    }),
    async (control, { root, bytes, seconds, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const blobs = control.blobs(runId);
      const late = AbortSignal.timeout(1000 * seconds);
      try {
        await blobs.pull(root.slice(0, 16), { root, bytes }, late);
      } catch (error) {
        if (!late.aborted) throw error;
        throw new NodeError('NOT_HELD', `${root} was not found within ${seconds} s at anybody who is here`);
      }
      const file = blobs.pathOf(root);
      return { json: { runId, file }, lines: [`fetched   ${file}`] };
    },
  ),
];

/** @throws NodeError */
function boardIn(control: NodeControl, runId: string): Board {
  const board = boardOf((kind) => control.stateOf(runId, kind)?.final);
  if (board !== null) return board;
  throw new NodeError('NO_BLOBS', `run ${runId} is no arena: it logs no submissions`);
}

/** As people read it; from an archive as well. */
export function boardLines({ rows, holders, refused }: Board): string[] {
  const names = new Map(rows.map(({ entry, name }) => [entry, name]));
  const hasScores = isJudged(holders);
  return [
    ...rows.map((row) =>
      hasScores ? rowLine(row, names) : `   -  ${row.name}  not scored yet, by ${row.author.slice(0, 8)}`,
    ),
    ...holders.map(({ holder, hasCommitted, hasRevealed, agree, disagree, isOutvoted }) => {
      const did = hasRevealed ? 'has revealed' : hasCommitted ? 'has committed' : 'has said nothing';
      const words =
        agree + disagree === 0
          ? ''
          : `, ${agree} of the others ${agree === 1 ? 'agrees' : 'agree'} and ${disagree} not`;
      return `holder    ${holder.slice(0, 16)} ${did}${words}${isOutvoted ? ': OUTVOTED, its scores do not count' : ''}`;
    }),
    ...refused.map(
      ({ kind, author, what, reason }) => `refused   ${kind} of ${what} by ${author.slice(0, 8)}: ${reason}`,
    ),
  ];
}

function rowLine(
  { name, author, score, verdict, rank, points, copyOf }: BoardRow,
  names: ReadonlyMap<string, string>,
): string {
  const found = score === null ? verdict : `${(100 * score).toFixed(2)} %`;
  const copy = copyOf === null ? '' : `, a near copy of ${names.get(copyOf) ?? copyOf}`;
  return `${String(rank ?? '-').padStart(4)}  ${name}  ${found}, ${amount(points, 'point')}, by ${author.slice(0, 8)}${copy}`;
}
