/** A publication that its author takes back: it is shown as such, and nobody is made to forget it. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  line,
  noneRefused,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  titleOf,
  withRefused,
} from '../record-kind.ts';
import { modelName, modelVersion } from './publication.ts';
import { publishedIn } from './publish-kind.ts';

const schema = z.strictObject({
  id: z.literal('retire').describe('publications that their authors take back'),
});

const retirementSchema = z.strictObject({ name: modelName, version: modelVersion, reason: line(200) });
export type Retirement = z.infer<typeof retirementSchema>;

const retiredSchema = z.strictObject({ round, name: modelName, version: modelVersion, reason: line(200) });
const stateSchema = z.strictObject({ retired: z.array(retiredSchema).max(4096), refused: refusedSchema });
export type RetireState = z.infer<typeof stateSchema>;

const bodyBytesMax = 1024;
/** Publications there can be. */
const retiredMax = 4096;

export const retire = defineEntryKind({
  id: 'retire',
  schema,
  needs: ['publish'],
  examples: [{ id: 'retire' }],
  create: () =>
    createRecordKind<Retirement, RetireState>({
      id: 'retire',
      ...{ bodyBytesMax, perAuthorAndRound: 4, entriesPerRoundMax: 64 },
      stateBytesMax: retiredMax * bodyBytesMax + refusedBytesMax,
      body: retirementSchema,
      state: stateSchema,
      initial: { retired: [], refused: noneRefused },
      reduce(state, { round: now, entries, stateOf }) {
        const retired = [...state.retired];
        let { refused } = state;
        for (const { author, content } of entries) {
          const { name, version } = content;
          const found = publishedIn(stateOf('publish'), content);
          const isRetired = retired.some((one) => one.name === name && one.version === version);
          const reason =
            found === null
              ? 'not published'
              : found.author !== author
                ? 'not its author'
                : isRetired
                  ? 'retired'
                  : null;
          if (reason === null) retired.push({ round: now, ...content });
          else refused = withRefused(refused, { round: now, author, what: titleOf(content), reason });
        }
        return { retired, refused };
      },
      show: ({ refused }) => shownRefused(refused),
    }),
  compose: (text) => composeRecord(retirementSchema, text),
  sampleBodies: () =>
    ['1', '2'].map((version) => dagCbor.encode({ name: 'a', version, reason: 'a better one is there' })),
});
