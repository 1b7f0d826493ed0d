/**
 * Time in which this process has listened. An event loop that is held up runs its timers before it reads what has come meanwhile: who waits
 * for an answer by the clock alone gives up on what lies in its own socket. Where many nodes share a processor they all do, and all begin anew.
 */

/** After each part of the time the loop looks once at what has come: however long it is held up, it costs one part. */
const parts = 16;

/** Calls back once `ms` have passed and were listened to; returns what cancels that. */
export function afterListening(ms: number, callback: () => void): () => void {
  let left = parts;
  let looking: NodeJS.Immediate | undefined;
  let timer = setTimeout(passed, ms / parts);

  function passed(): void {
    // After it has read.
    looking = setImmediate(listened);
  }

  function listened(): void {
    left -= 1;
    if (left === 0) callback();
    else timer = setTimeout(passed, ms / parts);
  }

  return () => {
    clearTimeout(timer);
    clearImmediate(looking);
  };
}
