/**
 * A line of its own for each member of a testnet: a network namespace, on a bridge that is in one too, with queues that shape what goes in
 * and out. Where the kernel cannot delay, a process in the namespace does, through which others reach the member. Needs root, `ip` and `tc`;
 * touches nothing outside its namespaces.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { reasonOf } from '../core/as-error.ts';
import { TestnetError } from './testnet-error.ts';

export const shapeSchema = z.object({
  /** As `tc` takes it. */
  rate: z.string().regex(/^\d{1,6}(\.\d{1,3})?[kmg]bit$/),
  /** On the way between two members, each way; null for none. */
  delayMs: z.number().positive().max(10_000).nullable(),
  /** What delays: netem of the kernel, or a process that forwards whatever comes in. */
  delayedBy: z.enum(['kernel', 'process']),
  /** Of the names of its namespaces. */
  prefix: z.string().regex(/^starlings-[0-9a-f]{8}$/),
});
export type Shape = z.infer<typeof shapeSchema>;

/** Of `20mbit,50ms` or `20mbit`. @throws TestnetError */
export function shapeOf(text: string): Shape {
  const [rate, delay, ...more] = text.split(',');
  const [, ms] = /^(\d{1,5}(?:\.\d{1,3})?)ms$/.exec(delay ?? '') ?? [];
  const parsed = shapeSchema.safeParse({
    ...{ rate, prefix: `starlings-${randomBytes(4).toString('hex')}`, delayedBy: 'kernel' },
    delayMs: delay === undefined ? null : Number(ms),
  });
  if (parsed.success && more.length === 0) return parsed.data;
  throw new TestnetError(
    'BAD_SHAPE',
    `--shape ${text}: expected a rate and, with a comma between, a delay each way, such as 20mbit or 20mbit,50ms`,
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
  const { rate, delayMs, delayedBy } = shape;
  const out =
    delayMs === null || delayedBy === 'process'
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

/** As it can be had here. @throws TestnetError where it cannot */
export async function shapeHere(shape: Shape): Promise<Shape> {
  if (process.platform !== 'linux') throw cannotShape('network namespaces are a thing of Linux');
  if (process.getuid?.() !== 0) throw cannotShape('network namespaces need root');
  const problem = await problemOf(shape);
  if (problem === null) return shape;
  // The module sch_netem is not everywhere.
  const isNetem = shape.delayMs !== null && /qdisc kind is unknown/.test(problem);
  const other: Shape = { ...shape, delayedBy: 'process' };
  if (isNetem && (await problemOf(other)) === null) return other;
  throw cannotShape(`\`ip\` and \`tc\` (iproute2) are needed, and said: ${problem}`);
}

function cannotShape(why: string): TestnetError {
  return new TestnetError('CANNOT_SHAPE', `lines cannot be shaped here: ${why}`);
}

/** What was said when one line was tried; null where it can be had. */
async function problemOf(shape: Shape): Promise<string | null> {
  const tried = { ...shape, prefix: `${shape.prefix.slice(0, -4)}0000` };
  try {
    for (const command of bridgeCommands(tried)) await execute(command);
    for (const command of lineCommands(tried, lineOf(tried, 'node', 0))) await execute(command);
    return null;
  } catch (error) {
    return reasonOf(error).trim().replaceAll(/\s+/g, ' ');
  } finally {
    await removeLines(tried);
  }
}

/** Its namespaces, with whatever runs in them. What is not there is no fault. */
export async function removeLines(shape: Shape): Promise<void> {
  const ours = (await namespaces().catch(() => [])).filter((name) => name.startsWith(`${shape.prefix}-`));
  for (const name of ours) {
    const running = await execute(['ip', 'netns', 'pids', name]).catch(() => '');
    for (const pid of running.split('\n').filter((line) => line !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await execute(['ip', 'netns', 'del', name]).catch(() => {});
  }
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
  if (isDelayed(shape) && !there.includes(line.namespace)) await delayBy(shape.delayMs, line);
}

/** Whether others reach a member through a process. */
export function isDelayed(shape: Shape): shape is Shape & { readonly delayMs: number } {
  return shape.delayMs !== null && shape.delayedBy === 'process';
}

/** Where others dial a member, and where it listens on its loopback interface where a process stands between. */
export const linePort = 4001;
export const innerPort = 4002;

const startsWithinMs = 30_000;

/** Ends with the namespace. */
async function delayBy(delayMs: number, { namespace, address }: Line): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const script = fileURLToPath(new URL(`./delayed-line-entry.${extension}`, import.meta.url));
  const child = spawn(
    'ip',
    [
      ...['netns', 'exec', namespace, process.execPath, script],
      ...[address, linePort, innerPort, delayMs].map(String),
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  try {
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(startsWithinMs) });
  } catch (error) {
    throw new TestnetError('CANNOT_SHAPE', `what delays in ${namespace} did not start: ${reasonOf(error)}`);
  }
  child.stdout.destroy();
  child.unref();
}
