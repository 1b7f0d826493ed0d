/** What went wrong, in one sentence, and the exit code that goes with it. */
import { CommanderError } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';
import type { Outcome } from '../../../node/view/outcome.ts';

export const EXIT_FAILURE = 1;
/** The command line or a configuration file is wrong: running it again cannot help. */
const EXIT_USAGE = 2;
/** Ctrl-C: 128 plus the number of SIGINT, as shells have it. */
export const EXIT_INTERRUPTED = 130;

/** The terminal is gone: 128 plus the number of SIGHUP. */
export const EXIT_HUNG_UP = 129;

/** A run that ended otherwise than it should: the command did its work, the run did not. docs/USING.md and `--help` list them. */
const EXIT_OF_OUTCOME: Readonly<Record<Outcome, number>> = {
  kept: 0,
  trained: 0,
  untrained: 20,
  alone: 21,
  late: 22,
  forked: 23,
  silenced: 24,
};

/** Of a run's outcome; null: it did not come to its end everywhere. */
export function exitCodeOf(outcome: Outcome | null): number {
  return outcome === null ? EXIT_FAILURE : EXIT_OF_OUTCOME[outcome];
}

/** For `--help`. */
export const exitCodesHelp = `
Exit codes:
  0    done; of a run: trained, or its log kept to the end
  1    it could not be done, or the answer is no
  2    the command line, or a file or place that it names, is wrong
  20   untrained: nothing that a node learned is in its model
  21   alone: nothing that anyone else learned is in it
  22   late: what it learned is in fewer than half of the rounds
  23   forked: nodes hold different models that should be one
  24   silenced: it would be 20 or 22, for others found that its deltas do harm, or could not see its trainings
  129  stopped by SIGHUP: its terminal was closed
  130  stopped by Ctrl-C
  143  stopped by SIGTERM before it was done`;

/** Of commands in which no run ends. */
export const fewExitCodesHelp = `
Exit codes:
  0    done
  1    it could not be done, or the answer is no
  2    the command line, or a file or place that it names, is wrong
  130  stopped by Ctrl-C (129 by SIGHUP, 143 by SIGTERM)`;

/** Codes of errors that say that something named by the user is missing, no file of its kind, or not to be used: exit code 2. */
const WRONG_INPUT: ReadonlySet<string> = new Set([
  ...[
    'BAD_ADDRESS',
    'BAD_DATA_FILE',
    'BAD_IDENTITY',
    'BAD_INPUT',
    'BAD_INVITATION',
    'BAD_LAYERS_FILE',
    'BAD_MANIFEST',
    'BAD_MODEL_FILE',
    'BAD_NODE_STATE',
  ],
  ...[
    'BAD_PARTS',
    'BAD_RUN',
    'BAD_SHAPE',
    'BAD_TOKEN_FILE',
    'BAD_TESTNET_STATE',
    'BAD_USAGE',
    'DATA_SHAPE',
    'LAYER_NOT_TRAINABLE',
    'NEEDS_TRAINER',
    'NO_ARCHIVE',
    'NO_ALLIANCE',
    'NO_AUDIT',
    'NO_DATA',
    'NO_EVALUATION',
    'NO_FILE',
    'NO_LEDGER',
    'NO_LOG',
    'NO_MODEL',
    'NO_NODE',
    'NO_PRIVACY_FILE',
    'NO_SUCH_RUN',
    'NOT_REPLACED',
    'NO_TESTNET',
    'NOTHING_KEPT',
    'TESTNET_KEPT',
    'UNKNOWN_RUN',
    'UNUSED_DATA',
  ],
  ...['EACCES', 'EISDIR', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'],
]);

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly sentence: string;
  /** Nobody foresaw this: the stack is worth seeing. */
  readonly unforeseen: boolean;
}

/** SIGTERM before the command was done: 128 plus its number. */
export const EXIT_TERMINATED = 143;

/** The deed was stopped from outside before it was done. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly code = 'INTERRUPTED';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('stopped before it was done');
    this.exitCode = exitCode;
  }
}

/** Maps any error to a sentence and an exit code. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return failure(error.exitCode === 0 ? 0 : EXIT_USAGE, 'BAD_USAGE', error.message);
  }
  if (error instanceof ConfigError) return failure(EXIT_USAGE, error.code, error.message);
  if (error instanceof InterruptedError) return failure(error.exitCode, error.code, error.message);
  if (!(error instanceof Error)) return unforeseen('UNKNOWN', String(error));
  const listening = listenFailure(error);
  if (listening !== null) return describeFailure(listening);
  const code = codeOf(error);
  if (code === null) return unforeseen(error.name, error.message || error.name);
  const system = systemSentence(code, error as NodeJS.ErrnoException);
  const exitCode = WRONG_INPUT.has(code) && !isOfAddress(error) ? EXIT_USAGE : EXIT_FAILURE;
  if (system !== null) return failure(exitCode, code, system);
  // Our own errors carry a stable code and a sentence; Node's own checks (ERR_...) mean a bug of ours.
  return code.startsWith('ERR_') ? unforeseen(code, error.message) : failure(exitCode, code, error.message);
}

/** A port that others have, or that is for the superuser: right on another day. */
function isOfAddress(error: Error): boolean {
  return 'address' in error && error.address !== undefined;
}

function failure(exitCode: number, code: string, sentence: string): Failure {
  return { exitCode, code, sentence, unforeseen: false };
}

function unforeseen(code: string, message: string): Failure {
  const sentence = `${message} (this was not foreseen: --verbose shows where it happened)`;
  return { exitCode: EXIT_FAILURE, code, sentence, unforeseen: true };
}

/** libp2p keeps the reason why it cannot listen in its message alone: the system error that it was. */
function listenFailure(error: Error): NodeJS.ErrnoException | null {
  if (error.name !== 'UnsupportedListenAddressesError') return null;
  const found = /^ *(?<address>\/\S+): .*\blisten (?<code>E[A-Z]+)/m.exec(error.message)?.groups;
  if (found?.['code'] === undefined) return null;
  return Object.assign(new Error(error.message, { cause: error }), found);
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Files are written under a name of this form first; people know the one they asked for. */
const DRAFT_SUFFIX = /\.(\d+-\d+\.tmp|[0-9a-f]{12}\.draft)$/;

function systemSentence(
  code: string,
  error: NodeJS.ErrnoException & { address?: string; port?: number; dest?: string },
): string | null {
  const what = (error.dest ?? error.path)?.replace(DRAFT_SUFFIX, '') ?? 'a file';
  switch (code) {
    case 'ENOENT':
      // What is there to be written into is there: the file system takes no files of its users.
      return error.syscall === 'mkdir' || DRAFT_SUFFIX.test(error.dest ?? error.path ?? '')
        ? `${what} cannot be made on that file system; use another place`
        : `${what} does not exist; check the path`;
    case 'EACCES':
    case 'EPERM':
      return error.path === undefined && error.address !== undefined
        ? `${error.address} may not be listened on by you; choose a port above 1023`
        : `${what} may not be ${accessOf(error)} by you; change ${permissionsOf(error)} or use another place`;
    case 'EROFS':
      return `${what} is on a read-only file system; use another place`;
    case 'EFBIG':
      return `${what} would be larger than a file may be here; raise the limit (ulimit -f) or use another disk`;
    case 'EDQUOT':
      return `your share of the disk is full for ${what}; free some of it or use another disk`;
    case 'ENOSPC':
      return `no space is left for ${what}; free some or use another disk`;
    case 'ENOTDIR':
      return `${what} leads through something that is no directory; use another place`;
    case 'EISDIR':
      return `${what} is a directory where a file is expected; name the file`;
    case 'EMFILE':
      return 'too many files are open; raise the limit (ulimit -n)';
    case 'EADDRINUSE':
      return `${error.address ?? 'the address'}${error.port === undefined ? '' : `:${error.port}`} is in use; choose another port, or 0 for any`;
    case 'EADDRNOTAVAIL':
      return `${error.address ?? 'the address'} is not an address of this machine; choose another to listen on`;
    default:
      return null;
  }
}

/** A draft is refused by its folder, whatever the file is that it would replace. */
function permissionsOf({ path = '' }: NodeJS.ErrnoException): string {
  return DRAFT_SUFFIX.test(path) ? 'the permissions of its folder' : 'its permissions';
}

function accessOf(error: NodeJS.ErrnoException): string {
  if (DRAFT_SUFFIX.test(error.path ?? '')) return 'written';
  const writes = ['mkdir', 'rename', 'unlink', 'link', 'rm'];
  return writes.includes(error.syscall ?? '') ? 'written' : 'opened';
}
