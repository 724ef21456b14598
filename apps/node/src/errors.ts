/** A mistake in what the application asked of a node. `code` is stable; see docs/errors.md. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
