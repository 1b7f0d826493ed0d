import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PhaseView, RunPhase } from '../../src/log/run-phase.ts';

const over: PhaseView = {
  slot: 0,
  windowRounds: 3,
  isJoining: false,
  isComplete: true,
  isAgreed: false,
  isDisputed: false,
  isSpent: true,
};

/** Slots after the last fold until the run is finished; null where it is not within 100. */
function slotsToEnd(fields: Partial<PhaseView>): number | null {
  const phase = new RunPhase();
  for (let slot = 0; slot < 100; slot++) {
    phase.advance({ ...over, ...fields, slot });
    if (phase.now === 'finished') return slot;
  }
  return null;
}

test('the end waits for agreement, for two windows at most, and for a history looked into for six', () => {
  assert.equal(slotsToEnd({ isAgreed: true }), 0);
  assert.equal(slotsToEnd({}), 6);
  assert.equal(slotsToEnd({ isDisputed: true }), 18, 'one that never comes keeps nobody from the end');
  assert.equal(slotsToEnd({ isComplete: false }), null);
});

test('a history that came after the end opens the run again', () => {
  const phase = new RunPhase();
  for (let slot = 0; slot < 100 && phase.now !== 'finished'; slot++)
    phase.advance({ ...over, isDisputed: true, slot });
  phase.reopen();
  assert.equal(phase.now, 'draining');
});
