/** Which rows of a file each node gets, whatever the file is. */

import { dirichletPartition } from '../datasets/dirichlet-partition.ts';
import { groupsOf } from '../datasets/labelled-rows.ts';
import type { Objective } from '../objective.ts';
import { countClasses } from './data-report.ts';
import type { SharesRequest } from './task-kind.ts';

/** `answers`: of each row, in order. The rows of each target. */
export function rowsOfShares(
  objective: Objective,
  answers: ArrayLike<number>,
  { targets, alpha, classes, rng }: Pick<SharesRequest, 'targets' | 'alpha' | 'classes' | 'rng'>,
): ReturnType<typeof dirichletPartition> {
  const { groups, count } = groupsOf(objective, answers);
  return dirichletPartition(groups, {
    ...{ peers: targets.length, alpha, rng },
    classes: count ?? classes ?? countClasses(groups).length,
  });
}
