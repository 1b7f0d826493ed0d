/** Models that members enter for a task. */
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
import { computeLimits, submissionRules } from './arena-rules.ts';

const schema = z.strictObject({
  id: z.literal('submission').describe('models that members enter for the task of an arena'),
  ...submissionRules,
});

const submissionBody = z.strictObject({
  name: modelName,
  root: key,
  bytes: z
    .int()
    .min(1)
    .max(1 << 30),
});
type SubmissionBody = z.infer<typeof submissionBody>;

const submittedSchema = z.strictObject({ round, author: key, entry: key, ...submissionBody.shape });
export type Submitted = z.infer<typeof submittedSchema>;

const stateSchema = z.strictObject({
  untilRound: submissionRules.untilRound,
  limits: z.strictObject(computeLimits),
  submitted: z.array(submittedSchema).max(1024),
  refused: refusedSchema,
});
export type SubmissionState = z.infer<typeof stateSchema>;

const bodyBytesMax = 512;

export const submission = defineEntryKind({
  id: 'submission',
  schema,
  examples: [
    { id: 'submission', untilRound: 9 },
    { id: 'submission', untilRound: 9, bytesMax: 5000, perAuthor: 1, kept: 2 },
  ],
  create: ({ untilRound, kept, ...rules }) =>
    createRecordKind<SubmissionBody, SubmissionState>({
      id: 'submission',
      ...{ bodyBytesMax, perAuthorAndRound: 4, entriesPerRoundMax: 64 },
      stateBytesMax: 256 + kept * bodyBytesMax + refusedBytesMax,
      body: submissionBody,
      state: stateSchema,
      initial: { untilRound, limits: limitsOf(rules), submitted: [], refused: noneRefused },
      admit: (entry) => (entry.round > untilRound ? 'too-late' : null),
      reduce(state, final) {
        const submitted = [...state.submitted];
        let { refused } = state;
        for (const { author, id, content } of inDrawnOrder(final)) {
          const reason =
            final.round > untilRound
              ? 'too late'
              : whyRefused(submitted, author, content, { kept, ...rules });
          if (reason === null) submitted.push({ round: final.round, author, entry: id, ...content });
          else refused = withRefused(refused, { round: final.round, author, what: content.name, reason });
        }
        return { ...state, submitted, refused };
      },
      show: ({ submitted, refused }) => [
        ...submitted.slice(-16).map(({ name, bytes, ...of }) => ({
          ...{ round: of.round, author: of.author },
          text: `${name}, ${bytes} bytes`,
        })),
        ...shownRefused(refused),
      ],
    }),
  compose: (text) => composeRecord(submissionBody, text),
  sampleBodies: () =>
    ['a', 'b', 'c'].map((name, at) => dagCbor.encode({ name, root: `${at}`.repeat(64), bytes: 1000 })),
});

function whyRefused(
  submitted: readonly Submitted[],
  author: string,
  { root, bytes }: SubmissionBody,
  rules: Pick<z.infer<typeof schema>, 'bytesMax' | 'bytesPerAuthor' | 'bytesInAll' | 'perAuthor' | 'kept'>,
): string | null {
  const own = submitted.filter((one) => one.author === author);
  const bytesOf = (all: readonly Submitted[]): number => all.reduce((sum, one) => sum + one.bytes, bytes);
  if (bytes > rules.bytesMax) return 'oversized';
  if (submitted.some((one) => one.root === root)) return 'this file is submitted already';
  if (own.length >= rules.perAuthor) return 'too many of one key';
  if (submitted.length >= rules.kept) return 'arena is full';
  if (bytesOf(own) > rules.bytesPerAuthor) return 'too many bytes of one key';
  return bytesOf(submitted) > rules.bytesInAll ? 'too many bytes in all' : null;
}

function limitsOf({
  parametersMax,
  multiplyAddsMax,
  activationBytesMax,
}: SubmissionState['limits']): SubmissionState['limits'] {
  return { parametersMax, multiplyAddsMax, activationBytesMax };
}
