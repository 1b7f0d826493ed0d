/**
 * A line of its own for each member of a testnet: a network namespace, on a bridge that is in one too, with queues that shape what goes in
 * and out. Needs root, `ip` and `tc`; touches nothing outside its namespaces. Names and commands are pure, `LineMaker` runs them.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import * as z from 'zod';
import { reasonOf } from '../core/as-error.ts';
import { TestnetError } from './testnet-error.ts';

export const shapeSchema = z.object({
  /** As `tc` takes it. */
  rate: z.string().regex(/^\d{1,6}(\.\d{1,3})?[kmg]bit$/),
  /** On the way out of each member; null for none. */
  delayMs: z.number().positive().max(10_000).nullable(),
  /** Of the names of its namespaces. */
  prefix: z.string().regex(/^starlings-[0-9a-f]{8}$/),
});
export type Shape = z.infer<typeof shapeSchema>;

/** Of `20mbit,50ms` or `20mbit`. @throws TestnetError */
export function shapeOf(text: string): Shape {
  const [rate, delay, ...more] = text.split(',');
  const [, ms] = /^(\d{1,5}(?:\.\d{1,3})?)ms$/.exec(delay ?? '') ?? [];
  const parsed = shapeSchema.safeParse({
    ...{ rate, prefix: `starlings-${randomBytes(4).toString('hex')}` },
    delayMs: delay === undefined ? null : Number(ms),
  });
  if (parsed.success && more.length === 0) return parsed.data;
  throw new TestnetError(
    'BAD_SHAPE',
    `--shape ${text}: expected a rate and, with a comma between, a delay on the way out of each node, such as 20mbit or 20mbit,50ms`,
  );
}

/** Where a member is. */
export interface Line {
  readonly namespace: string;
  readonly address: string;
}

/** More bootstraps there are not. */
const bootstrapsMax = 16;

export function lineOf({ prefix }: Shape, role: 'bootstrap' | 'node', index: number): Line {
  const order = role === 'bootstrap' ? index : bootstrapsMax + index;
  return {
    namespace: `${prefix}-${role[0]}${index}`,
    address: `10.77.${1 + Math.floor(order / 200)}.${1 + (order % 200)}`,
  };
}

const bridgeOf = ({ prefix }: Shape): string => `${prefix}-x`;
/** Names of devices have 15 characters at most. */
const portOf = ({ namespace }: Line): string => `p${namespace.slice(namespace.lastIndexOf('-') + 1)}`;

/** Bytes that may go at once, and what a queue may hold; from tc-tbf(8). */
const bucket = ['burst', '32kb', 'latency', '400ms'];

/** How the line of a member is made, in order. */
export function lineCommands(shape: Shape, line: Line): readonly (readonly string[])[] {
  const { namespace, address } = line;
  const [bridge, port] = [bridgeOf(shape), portOf(line)];
  const { rate, delayMs } = shape;
  const out =
    delayMs === null
      ? ['tbf', 'rate', rate, ...bucket]
      : // As many packets as are on their way within the delay of a fast line.
        ['netem', 'rate', rate, 'delay', `${delayMs}ms`, 'limit', '20000'];
  return [
    ['ip', 'netns', 'add', namespace],
    ['ip', '-n', namespace, 'link', 'set', 'lo', 'up'],
    ['ip', 'link', 'add', port, 'netns', bridge, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace],
    ['ip', '-n', bridge, 'link', 'set', port, 'master', 'br0', 'up'],
    ['ip', '-n', namespace, 'addr', 'add', `${address}/16`, 'dev', 'eth0'],
    ['ip', '-n', namespace, 'link', 'set', 'eth0', 'up'],
    ['tc', '-n', namespace, 'qdisc', 'add', 'dev', 'eth0', 'root', ...out],
    ['tc', '-n', bridge, 'qdisc', 'add', 'dev', port, 'root', 'tbf', 'rate', rate, ...bucket],
  ];
}

function bridgeCommands(shape: Shape): readonly (readonly string[])[] {
  const bridge = bridgeOf(shape);
  return [
    ['ip', 'netns', 'add', bridge],
    ['ip', '-n', bridge, 'link', 'add', 'br0', 'type', 'bridge'],
    ['ip', '-n', bridge, 'link', 'set', 'br0', 'up'],
  ];
}

const run = promisify(execFile);

async function execute([program = '', ...args]: readonly string[]): Promise<string> {
  return (await run(program, args, { timeout: 10_000 })).stdout;
}

async function namespaces(): Promise<readonly string[]> {
  return (await execute(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
}

/** @throws TestnetError where there can be no such lines here */
export async function refuseUnlessShapeable(shape: Shape): Promise<void> {
  const refuse = (why: string): never => {
    throw new TestnetError('CANNOT_SHAPE', `lines cannot be shaped here: ${why}`);
  };
  if (process.platform !== 'linux') refuse('network namespaces are a thing of Linux');
  if (process.getuid?.() !== 0) refuse('network namespaces need root');
  const tried = { ...shape, prefix: `${shape.prefix.slice(0, -4)}0000` };
  try {
    for (const command of bridgeCommands(tried)) await execute(command);
    for (const command of lineCommands(tried, lineOf(tried, 'node', 0))) await execute(command);
  } catch (error) {
    const said = reasonOf(error).trim().replaceAll(/\s+/g, ' ');
    if (/qdisc kind is unknown/.test(said) && shape.delayMs !== null)
      refuse('this kernel has no netem (module sch_netem), which delays; a rate alone goes: --shape 20mbit');
    refuse(`\`ip\` and \`tc\` (iproute2) are needed, and said: ${said}`);
  } finally {
    await removeLines(tried);
  }
}

/** Its namespaces, with whatever is in them. What is not there is no fault. */
export async function removeLines(shape: Shape): Promise<void> {
  const ours = (await namespaces().catch(() => [])).filter((name) => name.startsWith(`${shape.prefix}-`));
  for (const name of ours) await execute(['ip', 'netns', 'del', name]).catch(() => {});
}

/** Makes what is not there yet. @throws TestnetError */
export async function ensureLine(shape: Shape, line: Line): Promise<void> {
  const there = await namespaces();
  const missing = [
    ...(there.includes(bridgeOf(shape)) ? [] : bridgeCommands(shape)),
    ...(there.includes(line.namespace) ? [] : lineCommands(shape, line)),
  ];
  for (const command of missing) {
    await execute(command).catch((error: unknown) => {
      throw new TestnetError('CANNOT_SHAPE', `\`${command.join(' ')}\` failed: ${reasonOf(error)}`);
    });
  }
}
