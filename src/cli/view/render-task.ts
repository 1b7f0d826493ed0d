/** A task as the part of a run's YAML that it is. */
import { Document, isMap, isSeq, visit } from 'yaml';
import { objectiveOf, type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import { outputsFor } from '../../tasks/objective.ts';

/** With the least model of so many classes that takes it, where its examples are rows of values. */
export function renderTask(task: TaskSpec, classes: number): string {
  const inputs = taskKindOf(task).names?.(task).features?.length;
  const outputs = outputsFor(objectiveOf(task)) ?? classes;
  const fields =
    inputs === undefined ? { task } : { model: { kind: 'logistic-regression', inputs, outputs }, task };
  return `in the file of a run:\n${asYaml(fields)}`;
}

/** As part of a file: with lists of values, and fields of one thing among several, in one line each. */
export function asYaml(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Seq: (_, list) => {
      list.flow = !list.items.some(isMap);
      for (const item of list.items) if (isMap(item) || isSeq(item)) item.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true }).trimEnd();
}
