export interface ExchangeLimits {
  /** Bound on a request. Mixing methods push whole models in one and need more. */
  readonly requestBytesMax: number;
  readonly answerFramesMax: number;
  /** Requests received and served at a time; more are told that we are busy. */
  readonly inboundMax: number;
  readonly inboundPerPeerMax: number;
  /** Of all requests being received or served at a time; never less than one request may have. */
  readonly inboundBytesMax: number;
  /** From the first byte of a request to the last of its answer. */
  readonly serveTimeoutMs: number;
  /** Until there is an answer to a request that has come. */
  readonly answerTimeoutMs: number;
  /** Bytes of answers that one peer may take at once, and a second beyond that; never less than four requests and one may have. */
  readonly answerBurstBytes: number;
  readonly answerBytesPerSecond: number;
  /** A request may take this long to come, and as much longer as its bytes need at `paceBytesPerSecond`. */
  readonly receiveTimeoutMs: number;
  /** Slower than this is slow. */
  readonly paceBytesPerSecond: number;
  /** Where every seat is taken, a slow one of this age loses it to a peer that has fewer. */
  readonly patienceMs: number;
  /** A peer that takes no bytes for this long is given up. */
  readonly stallMs: number;
  /** A stream whose request was answered waits so long for the next one. It holds no seat meanwhile. */
  readonly nextRequestMs: number;
}

/** Of a request, and of its answer, where the stream is kept for the next one: beyond, opening one costs little by comparison. It costs as much as half a segment of 256 KiB (docs/LOG.md). */
export const keptRequestBytesMax = 64 << 10;
export const keptAnswerBytesMax = 1 << 20;

/** Guesses, all of them. The pace is that of a line of half a megabit a second that carries eight requests at once. */
export const defaultExchangeLimits: ExchangeLimits = {
  requestBytesMax: 64 << 10,
  answerFramesMax: 4096,
  inboundMax: 64,
  inboundPerPeerMax: 8,
  inboundBytesMax: 256 << 20,
  serveTimeoutMs: 60_000,
  answerTimeoutMs: 10_000,
  answerBurstBytes: 32 << 20,
  answerBytesPerSecond: 8 << 20,
  receiveTimeoutMs: 5_000,
  paceBytesPerSecond: 8 << 10,
  patienceMs: 1_000,
  stallMs: 10_000,
  nextRequestMs: 60_000,
};
