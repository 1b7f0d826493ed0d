/** It said what the protocol does not allow: nothing that follows can be trusted, so it is ended. */
export class TrainerProtocolError extends Error {
  override readonly name = 'TrainerProtocolError';
  readonly code = 'BAD_TRAINER';
}

/** It answered, and the answer is of no use: an error of its own, a vector that is none, a word that means nothing. */
export class TrainerAnswerError extends Error {
  override readonly name = 'TrainerAnswerError';
  readonly code = 'TRAINER_FAILED';
}

/** Why a round was lost through the trainer is said in a sentence that begins so: it ended, could not train, did not answer. */
export const byTrainer = 'the trainer ';

/** It ended, or was ended, while something was asked of it. */
export class TrainerCrashedError extends Error {
  override readonly name = 'TrainerCrashedError';
  readonly code = 'LEARNER_CRASHED';
}
