/** The registry as people read it: what is published, with what became of it and what others say of it. */
import { type RefusedOfKinds, recordState, refusedOf, titleOf } from '../record-kind.ts';
import type { Published, PublishState } from './publish-kind.ts';
import type { RetireState } from './retire-kind.ts';
import type { FeedbackRow, ToldState, UsageRow } from './told-kinds.ts';

export interface CatalogueModel extends Published {
  /** Why its author took it back; null where it stands. */
  readonly retired: string | null;
  /** Of members that are not its author: each its last word. */
  readonly ratings: {
    readonly count: number;
    readonly mean: number | null;
    readonly said: readonly FeedbackRow[];
  };
  /** By what so many members say of themselves. */
  readonly usage: { readonly members: number; readonly requests: number; readonly units: number };
}

export interface Catalogue extends RefusedOfKinds {
  /** In order of publication. */
  readonly models: readonly CatalogueModel[];
}

const kinds = ['publish', 'retire', 'feedback', 'usage'] as const;

/** Null where nothing can be published in a log of these kinds. */
export function catalogueOf(stateOf: (kind: string) => unknown): Catalogue | null {
  const publications = recordState<PublishState>(stateOf('publish'));
  if (publications === null) return null;
  const retired = recordState<RetireState>(stateOf('retire'))?.retired ?? [];
  const ratings = grouped(recordState<ToldState<FeedbackRow>>(stateOf('feedback'))?.rows ?? []);
  const usages = grouped(recordState<ToldState<UsageRow>>(stateOf('usage'))?.rows ?? []);
  const reasons = new Map(retired.map((one) => [titleOf(one), one.reason]));
  const models = publications.published.map((one): CatalogueModel => {
    const title = titleOf(one.publication);
    const said = ratings.get(title) ?? [];
    const used = usages.get(title) ?? [];
    const total = (of: (row: UsageRow) => number) => used.reduce((sum, row) => sum + of(row), 0);
    const stars = said.reduce((sum, { rating }) => sum + rating, 0);
    return {
      ...one,
      retired: reasons.get(title) ?? null,
      ratings: { count: said.length, mean: said.length === 0 ? null : stars / said.length, said },
      usage: {
        members: used.length,
        requests: total(({ requests }) => requests),
        units: total(({ units }) => units),
      },
    };
  });
  return { models, ...refusedOf(kinds, stateOf) };
}

function grouped<Row extends { readonly name: string; readonly version: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(titleOf(row));
    if (group) group.push(row);
    else groups.set(titleOf(row), [row]);
  }
  return groups;
}

/** The newest that stands of a name, or the version that is named: `name` or `name@version`. */
export function modelNamed({ models }: Catalogue, text: string): CatalogueModel | null {
  const [name, version] = text.split('@', 2);
  const found = models.filter(
    ({ publication }) =>
      publication.name === name && (version === undefined || publication.version === version),
  );
  return found.findLast(({ retired }) => retired === null) ?? found.at(-1) ?? null;
}
