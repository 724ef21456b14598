import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type REPLServer, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { ReplContext } from './repl-context.ts'
import { type Screen, shownValue, textSink } from './repl-screen.ts'
import { equip, type Outcome, withoutDomain } from './repl-server.ts'

/** Runs standard input line by line. Returns the exit status: 1 where a line failed. */
export async function runScript(context: ReplContext, screen: Screen): Promise<number> {
  const script = new Script(context, screen)
  await script.run(process.stdin)
  return script.failed || context.failed ? 1 : 0
}

class Script {
  readonly #context: ReplContext
  readonly #screen: Screen
  readonly #server: REPLServer
  /** What `node:repl` printed of this line. */
  #output = ''
  #line = 0
  #failed = false
  #open = true
  #settle: ((outcome: Outcome) => void) | undefined

  constructor(context: ReplContext, screen: Screen) {
    this.#context = context
    this.#screen = screen
    this.#server = start({
      ...withoutDomain((error) => this.#fail(`${shownValue(error, false)}\n`)),
      prompt: '',
      input: new PassThrough(),
      output: textSink((text) => {
        this.#output += text
      }),
      terminal: false,
      useGlobal: true,
      ignoreUndefined: true,
      writer: (value) => shownValue(value, false),
    })
    equip(this.#server, context, {
      began: () => undefined,
      ended: (outcome) => this.#settle?.(outcome),
    })
    this.#server.once('exit', () => {
      this.#open = false
      this.#settle?.('done')
    })
  }

  get failed(): boolean {
    return this.#failed
  }

  async run(input: NodeJS.ReadableStream): Promise<void> {
    let outcome: Outcome = 'done'
    // Each waits for the one before it, which node:repl has them do only at a terminal.
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      this.#line += 1
      outcome = await this.#run(line)
      if (!this.#open) break
    }
    if (outcome === 'unfinished') this.#fail('the input ends within a statement\n')
    await this.#context.idle()
    // Promises that nobody took care of are told of once the event loop turned.
    await setImmediate()
    this.#server.close()
  }

  async #run(line: string): Promise<Outcome> {
    const [, file] = /^\s*\.load\s+(.*\S)/.exec(line) ?? []
    if (file !== undefined) return await this.#load(file)
    this.#output = ''
    const outcome = await new Promise<Outcome>((resolve) => {
      this.#settle = resolve
      this.#server.emit('line', line)
    })
    const unknown = this.#output.startsWith('Invalid REPL keyword')
    if (outcome === 'failed' || unknown) this.#fail(this.#output.replace(/^Uncaught:?\s/m, ''))
    else if (outcome === 'done') this.#screen.print(this.#output)
    return outcome
  }

  /** Runs the lines of a file, each after the one before it, as those of the input. */
  async #load(file: string): Promise<Outcome> {
    let outcome: Outcome = 'done'
    try {
      for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
        outcome = await this.#run(line)
        if (!this.#open) break
      }
    } catch (error) {
      this.#fail(`.load: ${error instanceof Error ? error.message : String(error)}\n`)
    }
    return outcome
  }

  #fail(text: string): void {
    this.#failed = true
    this.#screen.log(`flatend: line ${this.#line}: ${text}`)
  }
}
