/** What Label Studio's tasks say that people answered. Files of others: what has another form is passed over. */
import * as z from 'zod';

const resultSchema = z.object({ type: z.string(), value: z.record(z.string(), z.unknown()) });
export type StudioResult = z.infer<typeof resultSchema>;

/** `completed_by` is a number in exports, or the user with all that is known of it. */
const annotationSchema = z.object({
  completed_by: z
    .union([z.int(), z.string(), z.object({ id: z.int().optional(), email: z.string().optional() })])
    .optional()
    .catch(undefined),
  ground_truth: z.boolean().optional().catch(undefined),
  was_cancelled: z.boolean().optional().catch(undefined),
  result: z.array(z.unknown()),
});

export interface StudioAnnotation {
  /** Number and address, as far as the file says. */
  readonly by: readonly string[];
  /** Somebody said there that this is the right answer. */
  readonly isKnown: boolean;
  readonly isSkipped: boolean;
  readonly results: readonly StudioResult[];
}

/** Of one task. */
const annotationsMax = 64;
const resultsMax = 256;

export function studioAnnotations(task: object): readonly StudioAnnotation[] {
  const { annotations } = task as { readonly annotations?: unknown };
  if (!Array.isArray(annotations)) return [];
  return annotations.slice(0, annotationsMax).flatMap((given): StudioAnnotation[] => {
    const parsed = annotationSchema.safeParse(given);
    if (!parsed.success) return [];
    const { completed_by: by, ground_truth: isKnown = false, was_cancelled: isSkipped = false } = parsed.data;
    const results = parsed.data.result.slice(0, resultsMax).flatMap((one) => {
      const result = resultSchema.safeParse(one);
      return result.success ? [result.data] : [];
    });
    const names = typeof by === 'object' ? [by.id, by.email] : [by];
    return [
      {
        by: names.flatMap((name) => (name === undefined ? [] : [String(name)])),
        isKnown,
        isSkipped,
        results,
      },
    ];
  });
}
