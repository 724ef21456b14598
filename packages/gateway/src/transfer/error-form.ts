import type { BodySink } from '../driver.ts'
import { type Problem, renderProblem } from './problem.ts'

/** An error as it is sent. */
interface RenderedProblem {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

/** How clients of a protocol over HTTP are told of errors. */
export interface ErrorForm {
  /** Before anything was sent. */
  render(problem: Problem, requestId: string, accept: string | undefined): RenderedProblem
  /** In the middle of an answer: nobody may take what was sent for the whole. */
  breakOff(sink: BodySink, problem: Problem): void
}

/** A status with a problem document, or a broken connection. */
export const HTTP_ERRORS: ErrorForm = {
  render: (problem, requestId, accept) => ({
    status: problem.status,
    ...renderProblem(problem, requestId, accept),
  }),
  breakOff: (sink) => sink.abort(),
}
