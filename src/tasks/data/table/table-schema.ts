/** What a manifest says of a table. */
import * as z from 'zod';
import { numberKind, numberMoments } from '../number-label.ts';

const name = z.string().min(1).max(200);
const missingIndicator = z
  .boolean()
  .optional()
  .describe('one more input, which is 1 where the value is missing');

const numeric = z.strictObject({
  column: name.describe('its name in the header, or in `header`'),
  mean: z.number().describe('subtracted, and put where a value is missing; the same at every peer'),
  scale: z.number().positive().describe('divided by'),
  missingValues: z
    .array(z.number())
    .max(20)
    .optional()
    .describe('numbers that stand for a missing value in this column, such as 0, -9 or 999'),
  missingIndicator,
});

const categorical = z.strictObject({
  column: name.describe('its name in the header, or in `header`'),
  values: z
    .array(name)
    .min(1)
    .max(1000)
    .describe("one input each, 1 where it is; numbers in quotes: '1' is 1.0 too"),
  unknown: z
    .enum(['refuse', 'other'])
    .optional()
    .describe('a value that is not listed: a refusal with its line (default), or one input for all such'),
  missingIndicator,
});

const classLabel = z.strictObject({
  kind: z.literal('class').optional().describe('one class of several, which is the default'),
  column: name.describe('its name in the header, or in `header`'),
  positiveAbove: z.number().optional().describe('of numbers two classes: 1 above this'),
  classes: z
    .array(name)
    .max(4096)
    .optional()
    .describe(
      'names of the classes, in their order, as the file has them; else it has their numbers, from 0',
    ),
});

const numberLabel = z.strictObject({
  kind: numberKind,
  column: name.describe('its name in the header, or in `header`'),
  ...numberMoments,
});

const severalLabels = z.strictObject({
  kind: z.literal('labels').describe('any number of labels that hold at once'),
  columns: z.array(name).min(1).max(1024).describe('one label each, in the order of the outputs'),
  values: z
    .array(name)
    .length(2)
    .optional()
    .describe('what a column says where its label does not hold, and where it does; else 0 and 1'),
});

const label = z.discriminatedUnion('kind', [classLabel, numberLabel, severalLabels]);

export const tableSchema = z.strictObject({
  kind: z
    .literal('table')
    .describe(
      'a CSV or TSV file, JSON Lines or Parquet, whose columns go by their names; empty, NA, NaN, null, ? and - are missing',
    ),
  header: z
    .array(name)
    .min(1)
    .max(4096)
    .optional()
    .describe('names of all columns, where the file has no row of names'),
  numeric: z.array(numeric).max(4096).optional().describe('columns of numbers: the first inputs'),
  categorical: z.array(categorical).max(4096).optional().describe('columns of categories: the inputs after'),
  label: label.describe('what is to be learned'),
  heldOutEvery: z.int().min(2).max(1000).default(5).describe('every n-th row is held out for evaluation'),
});
export type TableTask = z.infer<typeof tableSchema>;
export type TableLabel = TableTask['label'];
