/** Which processes may draw on a terminal: a shell hands it to one group of them at a time. */
import { readFileSync } from 'node:fs';

/**
 * Not of a process that a shell runs in the background (`&`, `bg`): what is drawn in place would erase what others write meanwhile. Told by
 * Linux alone (proc(5), `pgrp` and `tpgid`); elsewhere, and without a terminal, true.
 */
export function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // The name of the command before it, in brackets, may hold anything.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return foreground === group || foreground === '-1';
  } catch {
    return true;
  }
}
