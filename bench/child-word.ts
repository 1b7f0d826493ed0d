/** What processes of a benchmark say to the one that began them. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Lets them end by themselves, and waits until they have. */
export async function endChildren(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) if (child.connected) child.disconnect();
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
}

/** The next word with that key; others are passed over. @throws Error where the process ends before */
export async function childWord<Word extends object, K extends string>(
  child: ChildProcess,
  key: K,
): Promise<Extract<Word, Record<K, unknown>>> {
  const over = new AbortController();
  const ended = once(child, 'exit', { signal: over.signal }).then(() => {
    throw new Error(`a process ended before it said: ${key}`);
  });
  ended.catch(() => {});
  try {
    for (;;) {
      const [said] = (await Promise.race([once(child, 'message'), ended])) as [Word];
      if (key in said) return said as Extract<Word, Record<K, unknown>>;
    }
  } finally {
    over.abort();
  }
}
