import type { Problem } from './problem.ts'

/** Reading a request's body failed for a reason its client is to be told. */
export class BodyProblem extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'BodyProblem'
    this.problem = problem
  }
}

const UNREADABLE: Problem = {
  status: 400,
  code: 'FLATEND_GATEWAY_MALFORMED',
  detail: 'The request body could not be read.',
}

/** What a client is to be told of a body that could not be read. */
export function problemOfBody(error: unknown): Problem {
  return error instanceof BodyProblem ? error.problem : UNREADABLE
}

/** The client sends no more of a body it announced (RFC 9110 §15.5.9). */
export function slowBody(): BodyProblem {
  return new BodyProblem({
    status: 408,
    code: 'FLATEND_GATEWAY_SLOW_BODY',
    detail: 'The request body did not arrive in time.',
  })
}
