/** Records that are to be labelled, as files that members hand each other: JSON Lines, by their Merkle roots. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import { modelName } from '../models/publication.ts';
import {
  composeRecord,
  createRecordKind,
  inDrawnOrder,
  key,
  noneRefused,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  withRefused,
} from '../record-kind.ts';

const batchBytesTop = 64 << 20;
const batchesTop = 256;
/** Of one batch. */
export const recordsTop = 65_536;

const schema = z.strictObject({
  id: z.literal('batch').describe('records that are to be labelled, as files that members hand each other'),
  bytesMax: z
    .int()
    .min(64)
    .max(batchBytesTop)
    .default(8 << 20)
    .describe('bytes of a batch; guess'),
  recordsMax: z.int().min(1).max(recordsTop).default(8192).describe('records of a batch; guess'),
  perAuthor: z.int().min(1).max(batchesTop).default(8).describe('batches of an author'),
  kept: z.int().min(1).max(batchesTop).default(64).describe('batches of all; more are refused'),
});
type BatchSpec = z.infer<typeof schema>;

const batchBody = z.strictObject({
  name: modelName,
  root: key,
  bytes: z.int().min(1).max(batchBytesTop),
  records: z.int().min(1).max(recordsTop),
});
type BatchBody = z.infer<typeof batchBody>;

const batchSchema = z.strictObject({ round, author: key, entry: key, ...batchBody.shape });
export type LabelBatch = z.infer<typeof batchSchema>;

const stateSchema = z.strictObject({ batches: z.array(batchSchema).max(batchesTop), refused: refusedSchema });
export type BatchState = z.infer<typeof stateSchema>;

const bodyBytesMax = 512;

export const batch = defineEntryKind({
  id: 'batch',
  schema,
  examples: [{ id: 'batch' }, { id: 'batch', bytesMax: 5000, recordsMax: 10, perAuthor: 1, kept: 2 }],
  create: (spec) =>
    createRecordKind<BatchBody, BatchState>({
      id: 'batch',
      ...{ bodyBytesMax, perAuthorAndRound: 4, entriesPerRoundMax: 64 },
      stateBytesMax: 64 + spec.kept * bodyBytesMax + refusedBytesMax,
      ...{ body: batchBody, state: stateSchema, initial: { batches: [], refused: noneRefused } },
      reduce(state, final) {
        const batches = [...state.batches];
        let { refused } = state;
        for (const { author, id, content } of inDrawnOrder(final)) {
          const reason = whyRefused(batches, author, content, spec);
          if (reason === null) batches.push({ round: final.round, author, entry: id, ...content });
          else refused = withRefused(refused, { round: final.round, author, what: content.name, reason });
        }
        return { batches, refused };
      },
      show: ({ batches, refused }) => [
        ...batches.slice(-8).map(({ name, records, ...of }) => ({
          ...{ round: of.round, author: of.author },
          text: `${name}, ${records} records`,
        })),
        ...shownRefused(refused),
      ],
    }),
  compose: (text) => composeRecord(batchBody, text),
  sampleBodies: () =>
    ['a', 'b', 'c'].map((name, at) =>
      dagCbor.encode({ name, root: `${at}`.repeat(64), bytes: 1000, records: 9 }),
    ),
});

function whyRefused(
  batches: readonly LabelBatch[],
  author: string,
  { name, root, bytes, records }: BatchBody,
  { bytesMax, recordsMax, perAuthor, kept }: BatchSpec,
): string | null {
  if (bytes > bytesMax || records > recordsMax) return 'oversized';
  if (batches.some((one) => one.root === root)) return 'is there';
  if (batches.some((one) => one.name === name)) return 'name is taken';
  if (batches.filter((one) => one.author === author).length >= perAuthor) return 'too many of one key';
  return batches.length >= kept ? 'no room' : null;
}
