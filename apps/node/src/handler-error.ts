/** An error a handler throws to be seen by its caller: status and message reach them. */
export class HandlerError extends Error {
  override readonly name = 'HandlerError'
  /** 400 to 599. */
  readonly status: number
  /** Marks the message as written for callers; errors without it stay private. */
  readonly expose = true

  /** @throws RangeError where the status is not one of an error. */
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`status ${status}: errors have a status from 400 to 599`)
    }
    this.status = status
  }
}
