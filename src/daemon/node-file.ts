/** What a node is started with, as a file: `starlings node --config node.yaml`. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { RETENTIONS } from '../log/retention.ts';
import { checkpointSchema } from '../node/commands/checkpoint-schema.ts';
import { credentialSchema } from '../node/commands/credential-schema.ts';
import { limitsSchema } from '../node/limits.ts';
import { privacySchema } from '../run/privacy-spec.ts';
import { backendSchema } from '../tensor/backend-schema.ts';
import { apiSchema, socketFrom } from './api-settings.ts';
import { connectivitySchema } from './connectivity.ts';
import { figuresName } from './figures-name.ts';
import { LOG_LEVELS } from './options.ts';
import { isMeantAsRunId } from './run-reference.ts';

const address = z.string().min(1).max(1024);
const path = z.string().min(1).max(4096);

const figuresSchema = z.strictObject({
  tensorboard: path.optional().describe('folder for event files of TensorBoard'),
  csv: path.optional().describe('file that a row is added to for each figure'),
  mlflow: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe(
      'tracking server of MLflow; what lets in is taken from the variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and stands in no file',
    ),
  name: z
    .string()
    .regex(figuresName)
    .optional()
    .describe('what this node is called there; absent: the beginning of its key'),
});

export const nodeFileSchema = z.strictObject({
  directory: path.optional().describe('key, store, log and models; absent: as for --dir'),
  key: path.optional().describe('the identity; absent: `key` in the directory'),
  listen: z
    .array(address)
    .min(1)
    .max(32)
    .default(['/ip4/0.0.0.0/tcp/0'])
    .describe('multiaddrs to listen on; port 0 takes a free one'),
  announce: z
    .array(address)
    .max(32)
    .default([])
    .describe(
      'multiaddrs to tell others in place of those it listens on: a forwarded port, a name; empty: those',
    ),
  bootstrap: z.array(address).max(256).default([]).describe('multiaddrs of any nodes, with /p2p/<peer id>'),
  connectivity: connectivitySchema
    .prefault({})
    .describe('how it and others come to be connected (docs/OPERATIONS.md, "Reaching others")'),
  httpPort: z.int().min(0).max(65_535).default(0).describe('API on 127.0.0.1; 0 for any free port'),
  api: apiSchema.prefault({}),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('of log.jsonl'),
  contentBytesMax: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(2 ** 30)
    .describe(
      'bytes on disk for snapshots beyond the last two of a run, so that joiners on slow lines get the rest of one that was ' +
        'replaced meanwhile; a dozen of a model of 10 million parameters (8 bytes each) fit into the default; 0 keeps none; guess',
    ),
  retention: z
    .enum(RETENTIONS)
    .default('snapshots')
    .describe(
      'of the log: what the last two snapshots need; everything, for `starlings log export`; audit: and what each training of its own ' +
        'began with, 4 bytes a parameter and round, for `starlings audit`',
    ),
  trainer: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'command that trains the runs, as a shell takes it, from the folder of this file; it is asked in place of TensorFlow.js: docs/TRAINERS.md',
    ),
  trust: z
    .array(z.string().regex(/^[0-9a-f]{64}$/, 'is no key of a node: 64 hexadecimal digits'))
    .max(256)
    .default([])
    .describe(
      'keys of nodes whose word on the history counts in full when an open run is joined; empty: all that are met count alike',
    ),
  privacy: privacySchema
    .optional()
    .describe(
      'budget of your examples over all runs of this node (docs/PRIVACY.md): once it is spent, nothing is published any more; it stays with ' +
        'the directory until another one is given; absent: as runs demand it',
    ),
  figures: figuresSchema.prefault({}).describe('where figures of each round are written besides'),
  limits: limitsSchema.prefault({}),
  runs: z
    .array(
      z.strictObject({
        run: path.describe('manifest file, or the run id to ask peers with'),
        data: path
          .optional()
          .describe(
            'your examples, in the form of the task; they never leave this machine; left out: the run keeps a log and trains nothing',
          ),
        backend: backendSchema.describe('what trains, as for --backend'),
        compareAlone: z
          .boolean()
          .default(false)
          .describe(
            'train a twin that hears of nobody beside, and say how it does; takes twice the processor time',
          ),
        evenIfOver: z
          .boolean()
          .default(false)
          .describe('train even where the planned time of the run is over and nobody of it is met'),
        checkpoint: checkpointSchema.optional(),
        credential: credentialSchema.optional(),
      }),
    )
    .max(100)
    .default([])
    .describe('to take part in from the start; more can be joined while the node runs'),
});
export type NodeFile = z.infer<typeof nodeFileSchema>;

/** Paths in the file are relative to the file. A run may be an id, unless there is a file of that name: `isFile` tells. */
export function withPathsFrom(file: string, settings: NodeFile, isFile: (path: string) => boolean): NodeFile {
  const from = (given: string): string => resolve(dirname(file), given);
  const { directory, key, figures, runs, api, connectivity } = settings;
  const { listen, ...files } = api;
  const { networkKey } = connectivity;
  const { tensorboard, csv } = figures;
  return {
    ...settings,
    ...(directory === undefined ? {} : { directory: from(directory) }),
    ...(key === undefined ? {} : { key: from(key) }),
    api: {
      ...(listen === undefined ? {} : { listen: socketFrom(listen, from) }),
      ...Object.fromEntries(
        Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, from(file)]])),
      ),
    },
    connectivity: { ...connectivity, ...(networkKey === undefined ? {} : { networkKey: from(networkKey) }) },
    figures: {
      ...figures,
      ...(tensorboard === undefined ? {} : { tensorboard: from(tensorboard) }),
      ...(csv === undefined ? {} : { csv: from(csv) }),
    },
    runs: runs.map((one) => ({
      ...one,
      run: isMeantAsRunId(one.run) && !isFile(from(one.run)) ? one.run : from(one.run),
      ...(one.data === undefined ? {} : { data: from(one.data) }),
    })),
  };
}
