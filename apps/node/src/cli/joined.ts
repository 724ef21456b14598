import { Node } from '../node.ts'
import { createLogger } from './log.ts'
import { type MeshValues, nodeOptions } from './mesh-options.ts'
import { asUsageError, UsageError } from './usage.ts'

/** Where a command joins unless told otherwise. */
export const DEFAULT_BOOTSTRAP: readonly string[] = ['127.0.0.1:9000']

/** Runs `task` with a node that joined, and has it leave; says why where nobody could be joined. */
export async function withNode(
  values: MeshValues & { readonly 'log-level'?: string | undefined },
  task: (node: Node) => Promise<number>,
): Promise<number> {
  const log = createLogger(values['log-level'] ?? 'warn', 2)
  const bootstrap = values.bootstrap ?? DEFAULT_BOOTSTRAP
  const node = await Node.start(nodeOptions({ ...values, bootstrap }, log)).catch(
    (error: unknown) => {
      throw asUsageError(error)
    },
  )
  try {
    if (node.peers().length > 0) return await task(node)
    process.stderr.write(notJoined(bootstrap))
    return 1
  } finally {
    await node.shutdown({ timeoutMs: 1_000 })
  }
}

/** The line that says that nobody was there, and what to do. */
export function notJoined(bootstrap: readonly string[]): string {
  const seeds = bootstrap.map((seed) => ` -b ${seed}`).join('')
  return `flatend: no node could be joined; "flatend doctor${seeds}" tells what is wrong\n`
}

/** @throws UsageError where there is any */
export function expectNoMore(positionals: readonly string[], command: string): void {
  if (positionals.length === 0) return
  throw new UsageError(
    `unexpected "${positionals[0]}"\nRun "flatend ${command} --help" for the options.`,
  )
}
