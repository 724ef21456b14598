/** A status other than OK, as a method throws it: code and message reach the client. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError'
  /** 1 to 16, as gRPC numbers them: 3 is INVALID_ARGUMENT, 5 NOT_FOUND, 13 INTERNAL … */
  readonly code: number

  /** @throws RangeError where the code is none of gRPC's. */
  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    if (!Number.isInteger(code) || code < 1 || code > 16) {
      throw new RangeError(`code ${code}: gRPC's codes of errors are 1 to 16`)
    }
    this.code = code
  }
}
