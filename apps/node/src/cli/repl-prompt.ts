import { Console } from 'node:console'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AsyncCompleter } from 'node:readline'
import { type REPLServer, start } from 'node:repl'
import { CallError } from '@flatend/rpc'
import { userFolder } from '../user-folder.ts'
import type { ReplContext } from './repl-context.ts'
import { type Screen, shownValue, textSink } from './repl-screen.ts'
import { equip, withoutDomain } from './repl-server.ts'

/** The name of a service that is being typed. */
const NAME = /(?:^\s*\.(?:call|find)\s+|\b(?:call|find)\(\s*['"`])([^\s'"`]*)$/

/** Runs what is typed at the terminal, until whoever does it leaves. */
export function converse(context: ReplContext, screen: Screen): Promise<void> {
  const colors = process.stdout.hasColors() && !process.env['NO_COLOR']
  let left = false
  const domain = withoutDomain((error) => {
    // Leaving cancels the calls that run: no news.
    if (left && error instanceof CallError && error.kind === 'cancelled') return
    screen.print(`Uncaught ${shownValue(error, false)}\n`)
  })
  const server = start({
    ...domain,
    prompt: 'flatend> ',
    terminal: true,
    // One realm: bytes and errors made at the prompt are those the node knows.
    useGlobal: true,
    useColors: colors,
    ignoreUndefined: true,
    preview: false,
    breakEvalOnSigint: true,
    writer: (value) => shownValue(value, colors),
  })
  equip(server, context, {
    began: () => screen.prompting(undefined),
    ended: (_, prompt) => {
      prompt()
      screen.prompting(server)
    },
  })
  screen.prompting(server)
  completeNames(server, context)
  keepHistory(server)
  takeConsole(screen)
  // Ahead of the listener that says that the code was interrupted.
  server.prependListener('SIGINT', () => {
    screen.freshLine()
    context.cancel()
  })
  return new Promise((resolve) => {
    server.once('exit', () => {
      left = true
      screen.prompting(undefined)
      context.cancel()
      resolve()
    })
  })
}

function completeNames(server: REPLServer, context: ReplContext): void {
  const javascript = server.completer
  const completer: AsyncCompleter = (line, done) => {
    const [, begun] = NAME.exec(line) ?? []
    if (begun === undefined) javascript.call(server, line, done)
    else done(null, [context.names().filter((name) => name.startsWith(begun)), begun])
  }
  Object.assign(server, { completer })
}

/** Keeps what was typed, for its owner's eyes only: there may be secrets in it. */
function keepHistory(server: REPLServer): void {
  const file = process.env['FLATEND_REPL_HISTORY'] ?? join(userFolder('state'), 'repl_history')
  if (file === '') return
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    if (existsSync(file)) chmodSync(file, 0o600)
  } catch {
    // That it cannot be written `setupHistory` tells; the prompt works without.
  }
  server.setupHistory(file, () => undefined)
}

/** What code prints, answers of services above all, is kept from the terminal's own language. */
function takeConsole(screen: Screen): void {
  const stdout = textSink((text) => screen.print(text))
  const stderr = textSink((text) => screen.log(text))
  Reflect.set(globalThis, 'console', new Console({ stdout, stderr }))
}
