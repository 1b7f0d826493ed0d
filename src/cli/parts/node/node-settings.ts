/** What a node is started with: its file, its flags, and where neither says so the defaults of the file's schema. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../../../config/config-error.ts';
import { loadYamlFile } from '../../../config/yaml-file.ts';
import { apiProblem } from '../../../daemon/api-settings.ts';
import type { ConnectivityGiven } from '../../../daemon/connectivity.ts';
import { type NodeFile, nodeFileSchema, withPathsFrom } from '../../../daemon/node-file.ts';
import type { LogLevel } from '../../../daemon/options.ts';
import type { TrainerCommand } from '../../../learning/process/trainer-process.ts';
import type { Retention } from '../../../log/retention.ts';
import { noData } from '../../../node/commands/node-command.ts';
import { type PrivacySpec, privacySchema } from '../../../run/privacy-spec.ts';
import type { BackendChoice } from '../../../tensor/backend-choices.ts';
import { backendSchema } from '../../../tensor/backend-schema.ts';
import type { FigureOptions } from '../figure-options.ts';
import { ADDRESS_KINDS, addressProblem, checkedAddresses } from './addresses.ts';
import { type ConnectivityFlags, connectivityOf } from './connectivity-options.ts';

/** What the user gave; nothing that commander filled in. */
export interface NodeFlags extends ConnectivityFlags, FigureOptions {
  readonly figuresName?: string;
  readonly config?: string;
  readonly run?: string;
  /** False: for a run that trains nothing. */
  readonly data?: string | false;
  readonly backend?: BackendChoice;
  readonly compareAlone?: true;
  readonly evenIfOver?: true;
  readonly checkpoint?: string;
  readonly credential?: string;
  readonly bootstrap?: readonly string[];
  readonly listen?: readonly string[];
  readonly announce?: readonly string[];
  readonly dir?: string;
  readonly http?: number;
  readonly contentBytesMax?: number;
  readonly logLevel?: LogLevel;
  readonly retention?: Retention;
  readonly trust?: readonly string[];
  readonly trainer?: string;
  readonly privacyEpsilon?: number;
  readonly privacyDelta?: number;
  readonly privacyNoise?: number;
  readonly exitWhenFinished?: true;
}

export interface GivenSettings extends Omit<NodeFile, 'trainer' | 'connectivity' | 'runs'> {
  readonly runs: readonly (NodeFile['runs'][number] & { readonly data: string })[];
  readonly connectivity: ConnectivityGiven;
  readonly trainer?: TrainerCommand;
}

/** A flag beside a file overrides its field; `--run` and `--data` together take the place of its runs. @throws ConfigError */
export async function nodeSettings(flags: NodeFlags): Promise<GivenSettings> {
  const file = flags.config === undefined ? nodeFileSchema.parse({}) : await readNodeFile(flags.config);
  const { run, data, backend, compareAlone = false, evenIfOver = false } = flags;
  const { dir, http, contentBytesMax, logLevel, checkpoint, credential } = flags;
  if ((run === undefined) !== (data === undefined)) {
    throw new ConfigError(
      'BAD_USAGE',
      'a node needs --run (a manifest file or a run id) and --data (its own examples; --no-data where the run trains nothing) together',
    );
  }
  if (checkpoint !== undefined && run === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      '--checkpoint is of one run: give it with --run, or as `checkpoint` of a run in the file',
    );
  }
  const runs =
    run === undefined || data === undefined
      ? file.runs.map((one) => ({
          ...one,
          data: one.data ?? noData,
          backend: backend ?? one.backend,
          compareAlone: compareAlone || one.compareAlone,
          evenIfOver: evenIfOver || one.evenIfOver,
        }))
      : [
          {
            ...{
              run,
              data: data === false ? noData : resolve(data),
              backend: backendSchema.parse(backend),
              compareAlone,
              evenIfOver,
            },
            ...(checkpoint === undefined ? {} : { checkpoint }),
            ...(credential === undefined ? {} : { credential }),
          },
        ];
  const { trainer: _, ...rest } = file;
  return {
    ...rest,
    ...trainerOf(flags, file),
    ...(dir === undefined ? {} : { directory: dir }),
    listen: checkedAddresses('listen', flags.listen ?? file.listen),
    announce: checkedAddresses('announce', flags.announce ?? file.announce),
    bootstrap: checkedAddresses('bootstrap', flags.bootstrap ?? file.bootstrap),
    connectivity: connectivityOf(flags, file.connectivity),
    httpPort: http ?? file.httpPort,
    api: http === undefined ? file.api : { ...file.api, listen: undefined },
    contentBytesMax: contentBytesMax ?? file.contentBytesMax,
    logLevel: logLevel ?? file.logLevel,
    retention: flags.retention ?? file.retention,
    trust: [...(flags.trust ?? file.trust)],
    ...privacyOf(flags, file),
    figures: figuresOf(flags, file),
    runs,
  };
}

/** A flag beside a file overrides its field. */
function privacyOf(
  { privacyEpsilon, privacyDelta, privacyNoise }: NodeFlags,
  { privacy }: NodeFile,
): { readonly privacy?: PrivacySpec } {
  const given = Object.entries({
    epsilon: privacyEpsilon,
    delta: privacyDelta,
    noiseMultiplier: privacyNoise,
  }).filter(([, value]) => value !== undefined);
  if (given.length > 0 && privacyEpsilon === undefined && privacy === undefined) {
    throw new ConfigError('BAD_USAGE', 'a privacy budget begins with --privacy-epsilon');
  }
  if (given.length === 0) return privacy === undefined ? {} : { privacy };
  return { privacy: privacySchema.parse({ ...privacy, ...Object.fromEntries(given) }) };
}

function figuresOf(
  { tensorboard, csv, mlflow, figuresName: name }: NodeFlags,
  { figures }: NodeFile,
): NodeFile['figures'] {
  const given = Object.entries({ tensorboard, csv, mlflow, name }).filter(([, value]) => value !== undefined);
  const written = { ...figures, ...Object.fromEntries(given) };
  if (name !== undefined && (written.tensorboard ?? written.csv ?? written.mlflow) === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      '--figures-name would do nothing: no figures are written without --tensorboard, --csv or --mlflow',
    );
  }
  return written;
}

/** A command in a file is started where the file is, one on the command line where the user is. */
function trainerOf({ config, trainer }: NodeFlags, file: NodeFile): { readonly trainer?: TrainerCommand } {
  if (trainer !== undefined) return { trainer: { line: trainer } };
  if (file.trainer === undefined || config === undefined) return {};
  return { trainer: { line: file.trainer, folder: dirname(resolve(config)) } };
}

async function readNodeFile(file: string): Promise<NodeFile> {
  const settings = await loadYamlFile(file, nodeFileSchema, (given) => {
    for (const kind of ADDRESS_KINDS) {
      for (const [index, text] of given[kind].entries()) {
        const problem = addressProblem(kind, text);
        if (problem !== null) return { path: [kind, index], message: `${text} ${problem}` };
      }
    }
    return apiProblem(given.api, given.httpPort);
  });
  return withPathsFrom(file, settings, existsSync);
}
