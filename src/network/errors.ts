/** What goes wrong between peers: one class per failure, each with a stable code. */

/** A frame or an answer broke its bounds or its form: the peer is faulty or hostile. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code: 'FRAME_TOO_LARGE' | 'FRAME_MALFORMED' | 'FRAME_TRUNCATED';
  constructor(code: FrameError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A request got no answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: 'NOT_CONNECTED' | 'REFUSED' | 'BUSY' | 'TIMEOUT' | 'REQUEST_TOO_LARGE' | 'STREAM_FAILED';
  constructor(code: RequestError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An announcement above the bound that every peer of the network enforces. */
export class AnnouncementTooLargeError extends Error {
  override readonly name = 'AnnouncementTooLargeError';
  readonly code = 'ANNOUNCEMENT_TOO_LARGE';
}

/** The key file of this node cannot be used. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code = 'BAD_IDENTITY';
}

/** An address of this host cannot be listened on or told to others. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code = 'BAD_ADDRESS';
}

/** A host carries so many runs and no more. */
export class TooManyRunsError extends Error {
  override readonly name = 'TooManyRunsError';
  readonly code = 'TOO_MANY_RUNS';
}

/** Somebody wanted to store a value in the DHT. */
export class RecordRefusedError extends Error {
  override readonly name = 'RecordRefusedError';
  readonly code = 'RECORD_REFUSED';
}

/** Nobody served a manifest that holds. */
export class ManifestUnavailableError extends Error {
  override readonly name = 'ManifestUnavailableError';
  readonly code = 'NO_MANIFEST';
}
