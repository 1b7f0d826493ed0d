/** What a node takes upon itself at most; the ranges and defaults of its file and of `createNode` alike. */
import * as z from 'zod';
import { connectionsMaxDefault, connectionsPerAddressMaxDefault } from '../network/host/connections-max.ts';
import { defaultHeldInputsLimits } from './driver/held-inputs.ts';
import { defaultStoreLaneLimits } from './driver/store-lane.ts';

const bound = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback);

export const limitsSchema = z.strictObject({
  connectionsMax: bound(4, 65_536, connectionsMaxDefault).describe(
    'connections of the host, of all runs together; guess',
  ),
  connectionsPerAddressMax: bound(1, 65_536, connectionsPerAddressMaxDefault).describe(
    'of these, such as come in from one public address; guess',
  ),
  runsMax: bound(1, 100, 32).describe('runs at a time; guess'),
  waitingBytesMax: bound(1 << 16, 2 ** 40, defaultStoreLaneLimits.waitingBytesMax).describe(
    'bytes per run on their way to the disk; beyond, what would give it more to write has to wait; guess',
  ),
  heldAnnouncementsMax: bound(16, 1_000_000, defaultHeldInputsLimits.heldAnnouncementsMax).describe(
    'announcements per run that wait for such a disk; more are dropped and repaired later; guess',
  ),
});
export type NodeLimits = z.infer<typeof limitsSchema>;
