/** Wall-clock slots: the only notion of time peers share, and only to within one slot. */
export interface SlotTiming {
  readonly startAtMs: number;
  readonly slotMs: number;
}

/** Slot of `nowMs`: negative before the start, unbounded after the end of the run. */
export function slotAt(timing: SlotTiming, nowMs: number): number {
  return Math.floor((nowMs - timing.startAtMs) / timing.slotMs);
}

export function slotStartMs(timing: SlotTiming, slot: number): number {
  return timing.startAtMs + slot * timing.slotMs;
}
