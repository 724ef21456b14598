import { CallError } from '@flatend/rpc'

/**
 * An error's status and, only where it is marked for callers, its message. What another service said
 * of a call of the handler's was for the handler.
 */
export function describeFailure(error: unknown): { status: number; message: string | undefined } {
  if (!(error instanceof Error) || error instanceof CallError)
    return { status: 500, message: undefined }
  const { expose, status } = error as Error & { expose?: unknown; status?: unknown }
  if (expose !== true) return { status: 500, message: undefined }
  const known = typeof status === 'number' && Number.isInteger(status)
  return { status: known && status >= 400 && status <= 599 ? status : 500, message: error.message }
}
