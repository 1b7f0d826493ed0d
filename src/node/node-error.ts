/** Something that was asked of a node and cannot be. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly code:
    | 'ALREADY_JOINED'
    /** Of what was asked, not of the node. */
    | 'BAD_INPUT'
    | 'NO_FILE'
    | 'NOT_HELD'
    | 'NOT_JOINED'
    | 'NOT_PAUSED'
    | 'TOO_MANY_RUNS'
    | 'NOT_READY'
    | 'NOT_RUNNING'
    | 'RUN_NOT_NAMED'
    | 'RUN_LEFT'
    | 'NOT_PUBLISHED'
    | 'NOT_REPLACED'
    | 'OTHER_START_VECTOR'
    | 'UNKNOWN_RUN'
    | 'NOT_CHECKED'
    | 'NO_LOG'
    | 'RUN_TOO_OLD'
    | 'MODEL_TOO_LARGE'
    | 'NOTHING_FINAL'
    | 'NO_ALLIANCE'
    | 'NO_LEDGER'
    | 'NO_AUDIT'
    | 'NO_COMMON_DATA'
    | 'NO_MODEL'
    | 'NO_DATA'
    | 'UNUSED_DATA'
    | 'NO_BLOBS'
    | 'NO_LABELS'
    | 'NOT_PUBLISHED_HERE'
    | 'LOG_INCOMPLETE'
    | 'NO_EVALUATION'
    | 'NOTHING_KEPT'
    | 'NO_MANIFEST'
    | 'NO_PLACE_FOR_FILES'
    | 'NO_EVALUATION_SET'
    | 'NOT_INVITED'
    | 'NO_SECRET'
    | 'CANNOT_INVITE';

  /** `sentence` says what is wrong and what to do. */
  constructor(code: NodeError['code'], sentence: string) {
    super(sentence);
    this.code = code;
  }
}
