import { GatewayError } from '../errors.ts'
import type { ConfigProblem } from './types.ts'

/** A configuration cannot be used. Holds every problem found, in the order of the file. */
export class ConfigError extends GatewayError {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    super('FLATEND_GATEWAY_CONFIG', sorted.map(formatProblem).join('\n'))
    this.name = 'ConfigError'
    this.problems = sorted
  }

  /** One line a problem: `file:line:column: key: what is wrong; what is allowed`. */
  format(): string {
    return this.message
  }
}

/** One line for people: `file:line:column: key: message (did you mean "x"?); allowed: …`. */
export function formatProblem(problem: ConfigProblem): string {
  const key = problem.key === '' ? '' : ` ${problem.key}:`
  const hint = problem.suggestion === undefined ? '' : ` (did you mean "${problem.suggestion}"?)`
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`
  const place = `${problem.file}:${problem.line}:${problem.column}:`
  return `${place}${key} ${problem.message}${hint}${allowed}`
}
