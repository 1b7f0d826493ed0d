/**
 * Everything that people do to a running node, one entry each. The HTTP API serves the table and the command line is
 * made from it: a new entry is at once `POST /ID` and `starlings node ID`.
 */
import * as z from 'zod';
import type { ContentUsage } from '../../content/content-store.ts';
import { hex32 } from '../../core/bytes.ts';
import type { DataReport } from '../../tasks/data/data-report.ts';
import { headlineOf, writeMeasure, writeShare } from '../../tasks/measures.ts';
import { backendSchema } from '../../tensor/backend-schema.ts';
import { unfold } from '../invitation.ts';
import { phaseOrOutcome } from '../view/outcome.ts';
import { peerName, type RunView, whenMeasured } from '../view/run-view.ts';
import { amount } from '../words/amount.ts';
import { roundText } from '../words/round-text.ts';
import { ARENA_COMMANDS } from './arena-commands.ts';
import { checkpointSchema } from './checkpoint-schema.ts';
import { credentialSchema } from './credential-schema.ts';
import { LABEL_COMMANDS } from './label-commands.ts';
import { MODEL_COMMANDS } from './model-commands.ts';
import {
  command,
  type NodeCommand,
  nameOf,
  noData,
  type PathField,
  path,
  reading,
  run,
  viewOf,
  written,
} from './node-command.ts';

const runToJoin = z
  .string()
  .min(1)
  .max(4096)
  .meta({ path: 'if it exists' satisfies PathField });

const data = path.describe('your examples; they never leave this machine');

/** As many fit into what the API reads of a command. */
const refusedMax = 768;
const keyField = z
  .string()
  .regex(hex32, 'is no key: 64 hexadecimal digits')
  .describe('as `starlings node id` prints it');

export const NODE_COMMANDS: readonly NodeCommand[] = [
  command(
    'join',
    'take part in another run; the node takes it up again whenever it starts',
    z.strictObject({
      run: runToJoin.describe('manifest file, the run id to ask peers with, or an invitation'),
      data: data
        .optional()
        .describe(
          'your examples; they never leave this machine. Left out: the run keeps a log and trains nothing',
        ),
      backend: backendSchema.describe('what trains'),
      bootstrap: z
        .array(z.string().min(1).max(1024))
        .max(32)
        .optional()
        .describe('multiaddrs of nodes that take part in it, with /p2p/<peer id>, where this one knows none'),
      checkpoint: checkpointSchema.optional(),
      credential: credentialSchema.optional(),
    }),
    async (control, given) => {
      const { data: examples = noData } = given;
      const { wanted: request, told: hints } = unfold(
        { ...given, data: examples },
        control.summary().peerKey,
      );
      const view = await control.join(request);
      const told =
        view.state === 'searching'
          ? `asking peers for the manifest of run ${view.runId}; \`starlings node list\` shows when it is here`
          : `joined    ${nameOf(view)}`;
      return {
        json: { run: view },
        lines: [told, ...(view.backend ? [`backend   ${view.backend}`] : []), ...hints],
      };
    },
  ),
  command(
    'check',
    'say what a node of the run would understand of data, and refuse, before anything is joined',
    z.strictObject({
      run: runToJoin.describe(
        'manifest file, or the id of a run that the node knows, or its name, or an invitation to it',
      ),
      data,
    }),
    async (control, given) => {
      const { wanted: input } = unfold(given, '');
      // By its name too, as all that is said of a run of this node.
      const named = control.views().filter(({ run: facts }) => facts?.name === input.run);
      const { runId, report } = await control.check(
        named.length === 1 ? named[0]!.runId : input.run,
        input.data,
      );
      const { files, parts, columns, table } = report;
      // Rows and ranges stay where the data is, but for one example of what is wrong: whoever asks may hand the answer on.
      const refused = report.refused.map(({ reason, count }) => ({ reason, count }));
      const kinds = table?.columns.map(({ column, kind, missing }) => ({ column, kind, missing }));
      return {
        json: {
          ...{ ok: refused.length === 0, runId, files: files.length, parts, columns, refused },
          ...(kinds ? { table: kinds } : {}),
        },
        lines: checkLines(report),
      };
    },
  ),
  command(
    'leave',
    'take no part in a run any more; what was learned stays on the disk',
    z.strictObject({ run }),
    async (control, input) => {
      const view = viewOf(control, input.run);
      const comesBack = await control.leave(view.runId);
      const until = comesBack
        ? ['it is among the runs that the node is started with, and comes back then']
        : [];
      return { json: { runId: view.runId, comesBack }, lines: [`left      ${nameOf(view)}`, ...until] };
    },
  ),
  command(
    'pause',
    'train nothing of a run and talk to nobody about it until it is resumed, over restarts as well',
    z.strictObject({ run }),
    async (control, input) => {
      const view = viewOf(control, input.run);
      const goesOn = await control.pause(view.runId);
      const until = goesOn
        ? ['it is among the runs that the node is started with, and goes on with the next start']
        : [];
      return { json: { runId: view.runId, goesOn }, lines: [`paused    ${nameOf(view)}`, ...until] };
    },
  ),
  command('resume', 'go on with a run that was paused', z.strictObject({ run }), async (control, input) => {
    const view = await control.resume(viewOf(control, input.run).runId);
    return { json: { run: view }, lines: [`resumed   ${nameOf(view)}`] };
  }),
  reading(
    command('list', 'the runs of a node, one a line', z.strictObject({}), async (control) => {
      const views = control.views();
      const runs = views.map(({ runId, run: facts, state, phase, outcome, roundsDone }) => ({
        runId,
        name: facts?.name ?? null,
        state,
        phase,
        outcome,
        roundsDone,
        rounds: facts?.rounds ?? null,
      }));
      const lines = views.map((view) => `${view.runId}  ${whereabouts(view)}`);
      return {
        json: { runs },
        lines: lines.length > 0 ? lines : ['no runs; join one with `starlings node join`'],
      };
    }),
  ),
  reading(
    command(
      'status',
      'how a node and its runs are doing',
      z.strictObject({ run }),
      async (control, input) => {
        const views = input.run === undefined ? control.views() : [viewOf(control, input.run)];
        const { peerKey, addresses, content, ...rest } = control.summary();
        const kept = content === null ? [] : [`content   ${contentLine(content)}`];
        return {
          json: { node: { peerKey, addresses, content, ...rest }, runs: views },
          lines: [`node      ${peerKey}`, ...kept, ...views.flatMap((view) => ['', ...statusLines(view)])],
        };
      },
    ),
  ),
  command(
    'evaluate',
    'evaluate the model of a run as it is now, on the held-out examples',
    z.strictObject({ run }),
    async (control, input) => {
      const view = viewOf(control, input.run);
      const { accuracy, measures = [], loss, examples } = await control.evaluate(view.runId);
      const headline = headlineOf({ accuracy, measures });
      const figure = headline && `${headline.id.padEnd(9)} ${writeMeasure(headline)}, `;
      return {
        json: { runId: view.runId, accuracy, measures, loss, examples },
        lines: [`${figure ?? ''}loss ${loss.toFixed(4)} on ${amount(examples, 'example')}`],
      };
    },
  ),
  command(
    'note',
    'write a short text into the log of a run, for all its members to read',
    z.strictObject({ run, text: z.string().min(1).max(4096).describe('what to say') }),
    async (control, input) => {
      const view = viewOf(control, input.run);
      const { text } = input;
      const note = { runId: view.runId, kind: 'note', text, refusal: 'the note was not published' };
      const result = await written(control, note);
      return { json: { runId: view.runId, ...result }, lines: [`published ${result.entryId}`] };
    },
  ),
  ...MODEL_COMMANDS,
  ...ARENA_COMMANDS,
  ...LABEL_COMMANDS,
  command(
    'refuse',
    'have no connection with some nodes until told otherwise or started again, to see how a run fares in parts',
    z.strictObject({
      peers: z
        .array(z.string().regex(/^[0-9a-f]{64}$/, 'expected the key of a node: 64 hexadecimal digits'))
        .max(refusedMax)
        .default([])
        .describe('their keys, in place of those named before; left out: nobody is refused any more'),
    }),
    async (control, { peers }) => {
      control.refuse(peers);
      const said = peers.length === 0 ? 'nobody' : amount(peers.length, 'node');
      return { json: { refusing: peers }, lines: [`refuses   ${said}`] };
    },
  ),
  command(
    'entitle',
    'let a key into a run that takes who was invited: what it has to show, which `starlings invite --for` puts into an invitation',
    z.strictObject({ run, key: keyField }),
    async (control, input) => {
      const { runId } = viewOf(control, input.run);
      const credential = await control.invite(runId, input.key);
      return { json: { runId, key: input.key, credential }, lines: [credential] };
    },
  ),
  command(
    'revoke',
    'take the invitation of a key back, by who invited it or stands between it and the creator: neither it nor whom it invited carries weight',
    z.strictObject({ run, key: keyField }),
    async (control, input) => {
      const view = viewOf(control, input.run);
      const result = await written(control, {
        ...{ runId: view.runId, kind: 'revocation', text: input.key },
        refusal: 'the invitation was not taken back',
      });
      return { json: { runId: view.runId, ...result }, lines: [`published ${result.entryId}`] };
    },
  ),
  command('stop', 'stop a node', z.strictObject({}), async (control) => {
    control.stop();
    return { json: { stopping: true }, lines: ['stopping'] };
  }),
];

function checkLines({ files, parts, refused }: DataReport): string[] {
  const rows = parts.map((part) => `${part.rows} ${part.name === 'train' ? 'to learn from' : 'held out'}`);
  return [
    `data      ${amount(files.length, 'file')}: ${rows.length === 0 ? 'nothing to learn from' : rows.join(', ')}`,
    ...refused.map(({ reason, count, first }) => {
      const others = count > 1 ? `, and ${amount(count - 1, 'other')} like it` : '';
      return `refused   ${first[0] ?? reason}${others}`;
    }),
    ...(refused.length === 0 ? ['fits      a node of this run takes all of it'] : []),
  ];
}

function whereabouts(view: RunView): string {
  const { run: facts, state, failure } = view;
  switch (state) {
    case 'searching':
      return 'asking peers for the manifest';
    case 'preparing':
      return `${facts?.name ?? ''}  preparing`;
    case 'running':
      return `${facts?.name ?? ''}  ${phaseOrOutcome(view)}, ${roundText(view)}`;
    case 'paused':
      return `${facts?.name ?? ''}  paused, ${roundText(view)}`;
    case 'ended':
      return `${facts?.name ?? ''}  ended${failure === null ? '' : `: ${failure}`}`;
    default:
      return state satisfies never;
  }
}

const namedMax = 8;

/** `Ward 3, Ward 5 and 2 more` */
export function namesOf(view: RunView, peers: readonly string[]): string {
  const named = peers.slice(0, namedMax).map((peer) => peerName(view, peer));
  const more = peers.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `, majority 46.00 %, AUC 0.912` */
function besides({ figures }: RunView): string {
  if (figures === null) return '';
  const auc = figures.auc === null ? '' : `, AUC ${figures.auc.toFixed(3)}`;
  return ` (majority ${writeShare(figures.majority)}${auc})`;
}

function contentLine({ bytes, bytesMax, blobs }: ContentUsage): string {
  const inMB = (count: number): string => (count / 1e6).toFixed(1);
  return `${inMB(bytes)} of ${inMB(bytesMax)} MB in ${amount(blobs, 'snapshot')} kept`;
}

function statusLines(view: RunView): string[] {
  const headline = headlineOf(view);
  const { loss, members, lag, deltasPublished, countedRounds } = view;
  const since = view.isBack ? ' since it was started again' : '';
  const { here, known } = members;
  const present = known === null ? amount(here, 'member') : `${here} of ${amount(known, 'member')}`;
  const final = view.finalisedRound < 0 ? 'none final yet' : `final up to ${view.finalisedRound}`;
  return [
    `run       ${view.runId}`,
    `          ${whereabouts(view)}`,
    `peers     ${view.peers} connected, ${present} here`,
    ...(members.missing.length === 0 ? [] : [`missing   ${namesOf(view, members.missing)}`]),
    `rounds    ${countedRounds} counted, ${final}, ${amount(deltasPublished, 'delta')} published${since}, ${amount(lag, 'entry', 'entries')} missing`,
    ...(view.run?.trains === false
      ? []
      : [
          `loss      ${loss === null ? '-' : loss.toFixed(3)}`,
          `${(headline?.id ?? 'accuracy').padEnd(9)} ${headline === null ? '-' : `${writeMeasure(headline)}${besides(view)}${whenMeasured(view)}`}`,
        ]),
    ...(view.clock.offsetMs === null
      ? []
      : [
          `clock     ${(view.clock.offsetMs / 1000).toFixed(2)} s off, by ${amount(view.clock.peers, 'peer')}`,
        ]),
    ...(view.run?.protects ?? []).map((text) => `protects  ${text}`),
    ...view.notices.map(({ text }) => `notice    ${text}`),
    ...(view.outcomeText === null ? [] : [`outcome   ${view.outcomeText}`]),
    ...(view.modelPath === null ? [] : [`model     ${view.modelPath}`]),
    ...(view.checkpoint === null ? [] : [`checkpoint ${view.checkpoint}`]),
    ...view.shown.map(({ kind, round, author, text }) => {
      const when = round === null ? '' : `round ${round}, `;
      const who = author === null ? 'all' : peerName(view, author);
      return `${kind.padEnd(9)} ${when}${who}: ${text}`;
    }),
    ...(view.trouble === null ? [] : [`trouble   ${view.trouble}`]),
  ];
}

export function commandOf(id: string): NodeCommand | undefined {
  return NODE_COMMANDS.find((each) => each.id === id);
}
