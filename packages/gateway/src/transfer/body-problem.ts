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

/** The client sends no more of a body it announced (RFC 9110 §15.5.9). */
export function slowBody(): BodyProblem {
  return new BodyProblem({
    status: 408,
    code: 'FLATEND_GATEWAY_SLOW_BODY',
    detail: 'The request body did not arrive in time.',
  })
}
