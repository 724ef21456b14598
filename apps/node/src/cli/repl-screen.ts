import { clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import type { REPLServer } from 'node:repl'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { printable } from './printable.ts'

/** Stack frames of Node's own modules and of ours; what was typed stands in REPL1, REPL2 … */
const FOREIGN_FRAME = /\n\s+at .*\b(?:node|file):.*?( \{)?(?=\n|$)/g

/** What to do about calls that failed; the errors themselves say what was wrong. */
const CURES: Readonly<Record<string, string>> = {
  FLATEND_RPC_DEADLINE: 'give it longer: call(name, body, { timeoutMs: 60_000 })',
  FLATEND_RPC_DENIED: 'have this key allowed there: node.id.toString()',
  FLATEND_RPC_DISCONNECTED: 'it may have run; with { idempotent: true } it is sent elsewhere',
  FLATEND_RPC_HANDLER: "the provider's log says why",
  FLATEND_RPC_NO_PROVIDER: '.services lists what is offered, .find NAME looks all over the mesh',
  FLATEND_RPC_NOT_FOUND: '.services lists what is offered, .find NAME looks all over the mesh',
  FLATEND_RPC_OVERLOADED: 'call again later, or start more providers',
  FLATEND_RPC_REFUSED: 'call again later, or start more providers',
  FLATEND_RPC_TOO_LARGE: 'send what is large as a body',
}

/** A value as a prompt shows it. */
export function shownValue(value: unknown, colors: boolean): string {
  if (value instanceof Error) return printable(shownError(value))
  const plain = inspect(value, { colors: false })
  const safe = printable(plain)
  return colors && safe === plain ? inspect(value, { colors }) : safe
}

/** Ours by code and cure; errors of what was typed with the place, without the machinery below it. */
function shownError(error: Error): string {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') return 'Error: interrupted'
  if (typeof code !== 'string' || !code.startsWith('FLATEND_'))
    return inspect(error, { colors: false }).replace(FOREIGN_FRAME, '$1')
  const cure = CURES[code] ?? 'docs/errors.md says what to do'
  return `${error.name} [${code}]: ${error.message}\n  ${cure}`
}

/** A stream that hands on the text written to it. */
export function textSink(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _, done): void {
      take(chunk.toString())
      done()
    },
  })
}

/** Where a shell writes: what comes while somebody types goes above the prompt. */
export class Screen {
  readonly #output: NodeJS.WriteStream
  readonly #errors: NodeJS.WriteStream
  #server: REPLServer | undefined
  #prompting = false
  #midLine = false

  constructor({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>) {
    this.#output = stdout
    this.#errors = stderr
  }

  /** Whether a person reads what is printed. */
  get terminal(): boolean {
    return this.#output.isTTY
  }

  /** The prompt of `server` stands there, or does not any more. */
  prompting(server: REPLServer | undefined): void {
    this.#server = server ?? this.#server
    this.#prompting = server !== undefined && this.terminal
    this.#midLine = false
  }

  print(text: string | Uint8Array): void {
    this.#write(this.#output, text)
  }

  log(text: string): void {
    this.#write(this.#errors, text)
  }

  /** What follows begins a line of its own. */
  freshLine(): void {
    if (this.#midLine) this.print('\n')
  }

  #write(stream: NodeJS.WriteStream, data: string | Uint8Array): void {
    if (data.length === 0) return
    const text = typeof data === 'string' && stream.isTTY ? printable(data) : data
    const ended = text.at(-1) === '\n' || text.at(-1) === 0x0a
    if (this.#prompting && this.#server && stream.isTTY) this.#above(stream, text, this.#server)
    else {
      stream.write(text)
      if (stream === this.#output) this.#midLine = !ended
    }
  }

  /** The rows of what is being typed are wiped, and drawn again below the text. */
  #above(stream: NodeJS.WriteStream, text: string | Uint8Array, server: REPLServer): void {
    const { rows } = server.getCursorPos()
    moveCursor(this.#output, 0, -rows)
    cursorTo(this.#output, 0)
    clearScreenDown(this.#output)
    stream.write(text)
    if (text.at(-1) !== '\n') stream.write('\n')
    // Else drawing begins where the input began before, up there.
    Reflect.set(server, 'prevRows', 0)
    server.prompt(true)
  }
}
