/** Loss or parameters left the finite numbers. */
export class TrainingDivergedError extends Error {
  override readonly name = 'TrainingDivergedError';
  readonly code = 'TRAINING_DIVERGED';
}

/** A call to a learner that has been closed, or that was closed while the call ran. */
export class LearnerClosedError extends Error {
  override readonly name = 'LearnerClosedError';
  readonly code = 'LEARNER_CLOSED';
}

/** The learner's thread ended unasked. */
export class LearnerCrashedError extends Error {
  override readonly name = 'LearnerCrashedError';
  readonly code = 'LEARNER_CRASHED';
}

/** A learner that will not work however often it is tried: the run cannot go on with it. */
export class LearnerBrokenError extends Error {
  override readonly name = 'LearnerBrokenError';
  readonly code = 'LEARNER_BROKEN';
}

/** A model file that is missing, truncated or not what its format demands. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
  readonly code = 'BAD_MODEL_FILE';
}

/** A layer of the model has no kernel for its gradient on the backend. */
export class LayerNotTrainableError extends Error {
  override readonly name = 'LayerNotTrainableError';
  readonly code = 'LAYER_NOT_TRAINABLE';
}
