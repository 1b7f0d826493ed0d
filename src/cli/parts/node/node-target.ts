/** Which node a command means: the one of a directory, or one at an address. */
import type { Command } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';
import type { NodeTarget, RemoteNode } from '../../../daemon/connect.ts';
import { printableLines } from '../command/output.ts';
import { dataHome } from '../data-home.ts';

export const targetOptions: readonly string[] = ['dir', 'api', 'tokenFile', 'certificate'];

export function withTarget(command: Command): Command {
  return command
    .option('--dir <dir>', `directory of the node (default: ${dataHome('node')})`)
    .option(
      '--api <url>',
      'in place of --dir, its API: https://HOST:PORT, unix:/path or http://127.0.0.1:PORT',
    )
    .option('--token-file <file>', 'with --api: file of mode 0600 that holds its token')
    .option(
      '--certificate <file>',
      'with --api: the certificate that it has, where this machine does not trust it',
    );
}

/** @throws ConfigError */
export function targetOf(given: (name: string) => unknown): NodeTarget {
  const [directory, url, tokenFile, certificateFile] = targetOptions.map((name) => {
    const value = given(name);
    return value === undefined ? undefined : String(value);
  });
  if (url === undefined) {
    if (tokenFile === undefined && certificateFile === undefined) return directory ?? dataHome('node');
    throw new ConfigError('BAD_USAGE', '--token-file and --certificate go with --api');
  }
  if (directory !== undefined)
    throw new ConfigError('BAD_USAGE', '--dir and --api name two nodes; leave one out');
  if (tokenFile === undefined) {
    const where = '`token` of `api` in its file names it, or it is DIR/control.token of the node';
    throw new ConfigError('BAD_USAGE', `--api needs --token-file: ${where}`);
  }
  return remoteNode(url, tokenFile, certificateFile);
}

/** The same, waited for where it is just being started in its directory. @throws ConfigError; the reason of the signal */
export async function startedNode(
  given: (name: string) => unknown,
  signal: AbortSignal,
): Promise<NodeTarget> {
  const target = targetOf(given);
  if (typeof target !== 'string') return target;
  const { awaitStart } = await import('../../../daemon/daemon-start.ts');
  await awaitStart(target, sayBeside, signal);
  return target;
}

/** What the node cannot do yet is asked of it again. @throws what `ask` throws; the reason of the signal */
export async function askedInTime<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const { whenItCan } = await import('../in-turn.ts');
  return whenItCan({ say: sayBeside, signal })(ask);
}

/** Not to stdout, which others may read. */
function sayBeside(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`);
}

/** @throws ConfigError */
export function remoteNode(url: string, tokenFile?: string, certificateFile?: string): RemoteNode {
  checkUrl(url);
  return { url: url.replace(/\/$/, ''), tokenFile, certificateFile };
}

/** The token goes where the URL says: in clear to this machine alone. */
function checkUrl(url: string): void {
  if (/^unix:./.test(url)) return;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isPlain =
    parsed !== null && parsed.pathname === '/' && parsed.search + parsed.hash + parsed.username === '';
  if (isPlain && parsed.protocol === 'https:') return;
  const isHere = parsed !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname);
  if (isPlain && parsed.protocol === 'http:' && isHere) return;
  throw new ConfigError(
    'BAD_USAGE',
    `--api ${url}: expected https://HOST:PORT, unix:/path, or http:// to 127.0.0.1 alone: the token is not sent in clear`,
  );
}
