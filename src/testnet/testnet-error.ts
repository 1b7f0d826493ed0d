/** A testnet that could not be started, found or stopped. */
export class TestnetError extends Error {
  override readonly name = 'TestnetError';
  readonly code:
    | 'BAD_PARTS'
    | 'BAD_RUN'
    | 'BAD_SHAPE'
    | 'CANNOT_SHAPE'
    | 'NODE_DIED'
    | 'NODE_NOT_READY'
    | 'TESTNET_RUNNING'
    | 'TESTNET_KEPT'
    | 'NO_TESTNET'
    | 'BAD_TESTNET_STATE'
    | 'NO_DATA'
    | 'NOT_JOINED'
    | 'NOT_FINISHED';

  constructor(code: TestnetError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
