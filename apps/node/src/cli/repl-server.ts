import { EventEmitter } from 'node:events'
import { type REPLServer, Recoverable } from 'node:repl'
import type { ReplContext } from './repl-context.ts'

/** How a line went; what is unfinished goes on in the next. */
export type Outcome = 'done' | 'failed' | 'unfinished'

/** What there is to know of a `node:repl`. */
export interface Turns {
  /** Code begins to run. */
  readonly began: () => void
  /** A line is dealt with, well or badly. `prompt` asks for the next. */
  readonly ended: (outcome: Outcome, prompt: () => void) => void
}

/**
 * Options that keep code out of the domain (node:domain) that `node:repl` would run it in: what code
 * throws comes back to whoever ran it, and what it throws later comes to `onStray`, not in between.
 */
export function withoutDomain(onStray: (error: unknown) => void): object {
  process.on('unhandledRejection', onStray)
  process.on('uncaughtException', onStray)
  const domain = Object.assign(new EventEmitter(), { bind: (evaluate: unknown) => evaluate })
  return { domain }
}

/** Gives a `node:repl` our names and commands, and tells when its lines begin and end. */
export function equip(server: REPLServer, context: ReplContext, turns: Turns): void {
  for (const [name, value] of Object.entries(context.globals))
    Object.defineProperty(server.context, name, { value, enumerable: true })
  // A command is code that is run, so that it is waited for and interrupted as code is.
  const command = (name: string, help: string, code: (text: string) => string): void =>
    server.defineCommand(name, {
      help,
      action(text) {
        this.clearBufferedCommand()
        this.emit('line', code(text.trim()))
      },
    })
  command('call', 'Call a service: .call NAME [JSON or text]', callCode)
  command('peers', 'List the nodes this one is connected to', () => 'await peers()')
  command(
    'find',
    'List the nodes that offer a service: .find NAME',
    (name) => `await find(${quote(name)})`,
  )
  command('services', 'List the services of connected nodes', () => 'services()')
  follow(server, turns)
}

function callCode(text: string): string {
  const [, name = '', body = ''] = /^(\S*)\s*(.*)$/s.exec(text) ?? []
  const args = [quote(name)]
  if (body !== '') args.push(isJson(body) ? `JSON.parse(${quote(body)})` : quote(body))
  return `await call(${args.join(', ')})`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function quote(text: string): string {
  return JSON.stringify(text)
}

function follow(server: REPLServer, { began, ended }: Turns): void {
  const evaluate = server.eval
  const prompt = server.displayPrompt.bind(server)
  let outcome: Outcome = 'done'
  const observed: typeof evaluate = (...[code, context, file, done]) => {
    began()
    evaluate.call(server, code, context, file, (error, value) => {
      outcome = error === null ? 'done' : error instanceof Recoverable ? 'unfinished' : 'failed'
      done(error, value)
    })
  }
  Object.assign(server, { eval: observed })
  server.displayPrompt = (preserveCursor) => {
    const ending = outcome
    outcome = 'done'
    ended(ending, () => prompt(preserveCursor))
  }
}
