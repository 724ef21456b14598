import { FLATEND, run } from './processes.ts'

/** Runs the `flatend` command to its end. */
export function flatend(
  args: readonly string[],
  input: string | Buffer = '',
  cwd?: string,
): ReturnType<typeof run> {
  return run([FLATEND, ...args], { input, ...(cwd === undefined ? {} : { cwd }) })
}
