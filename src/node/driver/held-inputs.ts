/** Inputs that wait for a disk that is behind, in order. */
import type { Input } from '../../core/io.ts';

export interface HeldInputsLimits {
  /** Announcements that wait for the disk to catch up; more are dropped, and found by comparing digests. */
  readonly heldAnnouncementsMax: number;
  readonly heldAnnouncementBytesMax: number;
}

/** Guesses. */
export const defaultHeldInputsLimits: HeldInputsLimits = {
  heldAnnouncementsMax: 4096,
  heldAnnouncementBytesMax: 16 << 20,
};

/** Inputs that make a core write wait while the store is too far behind; questions and the rest are taken at once. */
const waitsForRoom: Readonly<Record<Input['type'], boolean>> = {
  start: false,
  wake: true,
  'peer-up': false,
  'peer-down': false,
  announcement: true,
  request: false,
  response: true,
  'request-failed': false,
  trained: true,
  'training-failed': false,
  scored: true,
  judged: true,
  retrained: true,
  leave: false,
  submit: false,
};

export function mayWait({ type }: Input): boolean {
  return waitsForRoom[type];
}

/** Announcements are bounded here; of everything else there is no more than the core has asked for. */
export class HeldInputs {
  readonly #limits: HeldInputsLimits;
  readonly #inputs: Input[] = [];
  #announcements = 0;
  #announcementBytes = 0;

  constructor(limits: HeldInputsLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#inputs.length === 0;
  }

  hasRoomFor(announcement: Uint8Array): boolean {
    return (
      this.#announcements < this.#limits.heldAnnouncementsMax &&
      this.#announcementBytes + announcement.length <= this.#limits.heldAnnouncementBytesMax
    );
  }

  push(input: Input): void {
    this.#inputs.push(input);
    if (input.type === 'announcement') this.#count(1, input.bytes.length);
  }

  shift(): Input | undefined {
    const input = this.#inputs.shift();
    if (input?.type === 'announcement') this.#count(-1, -input.bytes.length);
    return input;
  }

  clear(): void {
    this.#inputs.length = 0;
    this.#announcements = 0;
    this.#announcementBytes = 0;
  }

  #count(announcements: number, bytes: number): void {
    this.#announcements += announcements;
    this.#announcementBytes += bytes;
  }
}
