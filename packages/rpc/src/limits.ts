/** Limits of a connection's streams (protocol §4), each an option. */
export interface RpcLimits {
  /** Headers of one message. @default 128 */
  readonly maxHeaders: number
  /** Bytes of one header value. @default 8_192 */
  readonly maxHeaderValue: number
  /** Bytes of all headers of a message, lengths included. @default 32_768 */
  readonly maxHeaderBytes: number
  /** Streams the peer may have open; more are refused. @default 256 */
  readonly maxStreams: number
  /** Bytes sent before the reader consumed some: a stream's. Both sides must agree. @default 262_144 */
  readonly streamCredit: number
  /** The same for all streams of a connection together. @default 4_194_304 */
  readonly connectionCredit: number
  /** Deadline of calls that name none, in milliseconds. @default 30_000 */
  readonly timeoutMs: number
  /**
   * RESETs taken at once, then GOAWAY and a RemoteProtocolError. Not counted are those that answer
   * a call of ours, that crossed one of ours, and the deadline's. @default 200
   */
  readonly resetBurst: number
  /** RESETs a second taken for ever. @default 33 */
  readonly resetsPerSecond: number
  /**
   * Messages taken at once that do nothing, beside 64 for each call: empty or tiny DATA, WINDOW or
   * SERVICE_RESPONSE of a stream that is gone, WINDOW of 0 bytes, GOAWAY. @default 200
   */
  readonly strayBurst: number
  /** The same for ever, in a second. @default 33 */
  readonly straysPerSecond: number
  /**
   * DATA of under 16 bytes taken in a row at once; a tenth of it more each second. What we send
   * stays below half of both: more tiny pieces are joined, at the longest for 20 s / maxTinyData.
   * Both sides must agree; 2 at least. @default 100
   */
  readonly maxTinyData: number
  /** Unread bytes of v1 streams above which the connection is not read. @default 1_048_576 */
  readonly legacyUnread: number
}

/** The values used unless told otherwise. */
export const DEFAULT_RPC_LIMITS: RpcLimits = {
  maxHeaders: 128,
  maxHeaderValue: 8_192,
  maxHeaderBytes: 32_768,
  maxStreams: 256,
  streamCredit: 262_144,
  connectionCredit: 4_194_304,
  timeoutMs: 30_000,
  resetBurst: 200,
  resetsPerSecond: 33,
  strayBurst: 200,
  straysPerSecond: 33,
  maxTinyData: 100,
  legacyUnread: 1_048_576,
}
