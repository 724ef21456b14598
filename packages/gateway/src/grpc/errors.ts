import type { ErrorForm } from '../transfer/error-form.ts'
import { GrpcAnswerSink } from './answer-sink.ts'
import { problemFields } from './status.ts'

const EMPTY = new Uint8Array(0)

/** An error is a status: alone, or after the messages that were sent. */
export const GRPC_ERRORS: ErrorForm = {
  render(problem) {
    const fields = [...problemFields(problem), ...(problem.headers ?? [])]
    return { status: 200, headers: ['content-type', 'application/grpc', ...fields], body: EMPTY }
  },
  breakOff(sink, problem) {
    if (sink instanceof GrpcAnswerSink) sink.fail(problem)
    else sink.abort()
  },
}
