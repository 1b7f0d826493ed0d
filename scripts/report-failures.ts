/** A reporter of `node --test`: where each test is that failed, what it is called and why it failed, for whoever would have to look for it in all the rest. */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { root } from './built.ts';

const shownMax = 100;

type Failure = Extract<TestEvent, { readonly type: 'test:fail' }>['data'];

// biome-ignore lint/style/noDefaultExport: by this name Node looks for it
export default async function* reportFailures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: Failure[] = [];
  for await (const { type, data } of events)
    if (type === 'test:fail' && data.todo === undefined && !isOfSubtests(data)) failures.push(data);
  if (failures.length === 0) return;
  yield `failed: ${failures.length}\n`;
  for (const failure of failures.slice(0, shownMax))
    yield `  ${placeOf(failure)} ${failure.name}\n      ${reasonOf(failure)}\n`;
  if (failures.length > shownMax) yield `  and ${failures.length - shownMax} more\n`;
}

/** A suite fails with each test of it that does. */
function isOfSubtests({ details }: Failure): boolean {
  return 'failureType' in details.error && details.error.failureType === 'subtestsFailed';
}

function placeOf({ file, line }: Failure): string {
  return file === undefined ? '' : `${relative(root, file)}:${line}`;
}

/** Node puts what was thrown into an error of its own. */
function reasonOf({ details: { error } }: Failure): string {
  const { cause } = error;
  const text = cause instanceof Error ? cause.message : String(cause ?? error.message);
  return text.split('\n').find((line) => line.trim() !== '') ?? error.name;
}
