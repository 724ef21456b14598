import { Node } from '../node.ts'
import { DEFAULT_BOOTSTRAP, expectNoMore, notJoined } from './joined.ts'
import { createLogger } from './log.ts'
import { nodeOptions } from './mesh-options.ts'
import { ReplContext } from './repl-context.ts'
import { converse } from './repl-prompt.ts'
import { Screen } from './repl-screen.ts'
import { runScript } from './repl-script.ts'
import { asUsageError, meshHelpOfClient, meshOptions, parseOptions } from './usage.ts'

const HELP = `Usage: flatend repl [options]

Joins the mesh and runs the JavaScript that is typed, with await:
  await call(NAME, BODY, { headers, timeoutMs, key })   calls, prints status and body, gives the reply
  await peers(), await find(NAME), services()           who and what there is
  provide(NAME, (ctx) => ANSWER)                        offers a function
  node                                                  the node itself
and the commands .call NAME [JSON or text], .peers, .find NAME, .services, .help and .exit. Ctrl-C
cancels the call that runs, Ctrl-D leaves. Lines are kept in ~/.local/state/flatend/repl_history (or
below XDG_STATE_HOME, or in the file FLATEND_REPL_HISTORY; where that is empty, nowhere).

Standard input that is a pipe or a file is run line by line, to its end. Exit status 1 if a line
failed, or a call was answered with status 400 or above.

${meshHelpOfClient}
`

/** `flatend repl`. */
export async function replCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend repl', args, meshOptions)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  expectNoMore(positionals, 'repl')
  const screen = new Screen(process)
  const log = createLogger(values['log-level'] ?? 'warn', {
    write: (line) => screen.log(line),
  })
  const bootstrap = values.bootstrap ?? DEFAULT_BOOTSTRAP
  const node = await Node.start(nodeOptions({ ...values, bootstrap }, log)).catch(
    (error: unknown) => {
      throw asUsageError(error)
    },
  )
  try {
    // The node goes on trying, and may be the first: no reason to leave.
    if (node.peers().length === 0) screen.log(notJoined(bootstrap))
    const context = new ReplContext(node, screen)
    if (!process.stdin.isTTY || !process.stdout.isTTY) return await runScript(context, screen)
    const peers = node.peers().length
    screen.print(`${peers === 1 ? '1 node' : `${peers} nodes`} joined; .help, Ctrl-D leaves\n`)
    await converse(context, screen)
    return 0
  } finally {
    await node.shutdown({ timeoutMs: 1_000 })
  }
}
