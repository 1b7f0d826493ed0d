/** A model that its trainer alone can begin and compute, where there is none. */
export class TrainerNeededError extends Error {
  override readonly name = 'TrainerNeededError';
  readonly code = 'NEEDS_TRAINER';

  constructor(what: string) {
    super(`${what} by its trainer alone: start the node with --trainer "command" (docs/TRAINERS.md)`);
  }
}
