/** Models that members offer to all: a name belongs to the key that published it first, a version of it is published once. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  inDrawnOrder,
  key,
  noneRefused,
  recordState,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  titleOf,
  withRefused,
} from '../record-kind.ts';
import { aboutBytesMax, cardBytesTop, type Publication, publicationSchema } from './publication.ts';

const schema = z.strictObject({
  id: z.literal('publish').describe('models with where they come from, and where they are to be had'),
  cardBytesMax: z
    .int()
    .min(0)
    .max(cardBytesTop)
    .default(4096)
    .describe('UTF-8 bytes of the card of a model; guess'),
  perRound: z.int().min(1).max(16).default(2).describe('publications of an author in a round'),
  kept: z
    .int()
    .min(1)
    .max(4096)
    .default(512)
    .describe('publications that the registry holds; more are refused; guess'),
  perAuthor: z.int().min(1).max(4096).default(64).describe('and how many of them one author may have; guess'),
});
type PublishSpec = z.infer<typeof schema>;

const publishedSchema = z.strictObject({ round, author: key, entry: key, publication: publicationSchema });
export type Published = z.infer<typeof publishedSchema>;

const stateSchema = z.strictObject({ published: z.array(publishedSchema).max(4096), refused: refusedSchema });
export type PublishState = z.infer<typeof stateSchema>;

/** Round, author and id beside a publication. */
const rowBytesMax = 256;
const perRoundMax = 64;
const shownMax = 16;

export const publish = defineEntryKind({
  id: 'publish',
  schema,
  examples: [{ id: 'publish' }, { id: 'publish', cardBytesMax: 64, perRound: 3, kept: 2, perAuthor: 1 }],
  create: createPublishKind,
  compose: (text) => composeRecord(publicationSchema, text),
  sampleBodies: () => ['a', 'b', 'c'].map((name) => dagCbor.encode(samplePublication(name))),
});

function samplePublication(name: string): Publication {
  return {
    ...{ name, version: '1.0', root: '5a'.repeat(32), bytes: 1000, kind: 'mlp', task: 'table' },
    ...{ licence: 'MIT', metrics: [{ name: 'accuracy', value: 0.5, data: 'held-out rows' }] },
    ...{ lineage: {}, card: '# A model' },
  };
}

function createPublishKind({ cardBytesMax, perRound, kept, perAuthor }: PublishSpec) {
  const bodyBytesMax = aboutBytesMax + cardBytesMax;
  return createRecordKind<Publication, PublishState>({
    id: 'publish',
    ...{ bodyBytesMax, perAuthorAndRound: perRound, entriesPerRoundMax: perRoundMax },
    stateBytesMax: kept * (bodyBytesMax + rowBytesMax) + refusedBytesMax,
    body: publicationSchema.refine(({ card }) => new TextEncoder().encode(card).length <= cardBytesMax),
    state: stateSchema,
    initial: { published: [], refused: noneRefused },
    reduce(state, final) {
      const published = [...state.published];
      let { refused } = state;
      for (const { author, id, content } of inDrawnOrder(final)) {
        const reason = whyRefused(published, author, content, { kept, perAuthor });
        if (reason === null) {
          published.push({ round: final.round, author, entry: id, publication: content });
        } else refused = withRefused(refused, { round: final.round, author, what: titleOf(content), reason });
      }
      return { published, refused };
    },
    show: ({ published, refused }) => [
      ...published.slice(-shownMax).map(({ round: when, author, publication }) => ({
        ...{ round: when, author },
        text: `${titleOf(publication)}, ${publication.kind}, ${publication.licence}`,
      })),
      ...shownRefused(refused),
    ],
  });
}

function whyRefused(
  published: readonly Published[],
  author: string,
  { name, version }: Publication,
  { kept, perAuthor }: Pick<PublishSpec, 'kept' | 'perAuthor'>,
): string | null {
  const owner = published.find(({ publication }) => publication.name === name);
  if (owner && owner.author !== author) return 'name of another key';
  if (published.some(({ publication }) => publication.name === name && publication.version === version)) {
    return 'version is published';
  }
  if (published.filter((one) => one.author === author).length >= perAuthor) return 'too many of one key';
  return published.length >= kept ? 'registry is full' : null;
}

/** The publication of a name and version in the state that another kind is told of. */
export function publishedIn(
  state: unknown,
  { name, version }: { readonly name: string; readonly version: string },
): Published | null {
  const { published } = recordState<PublishState>(state) ?? { published: [] };
  return (
    published.find(({ publication }) => publication.name === name && publication.version === version) ?? null
  );
}
