/** A task as the part of a run's YAML that it is. */
import { Document, isMap, isSeq, visit } from 'yaml';
import type { TaskSpec } from '../../tasks/data/registry.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';

export function renderTask(task: TaskSpec, model: ModelSpec): string {
  return `in the file of a run:\n${asYaml({ model, task })}`;
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
