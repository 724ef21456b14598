import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** How long a condition may take before the test is given up. Far more than any should need. */
export const PATIENCE = 30_000

/** Where the `flatend` command is. */
export const FLATEND: string = fileURLToPath(
  new URL('../../apps/node/bin/flatend.js', import.meta.url),
)

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Options of {@link start}. */
export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The program. @default Node itself */
  readonly program?: string
}

const running = new Set<Process>()
let ends: 'registered' | undefined

/** A process a test started: what it printed, and how to wait for it. */
export class Process {
  readonly child: ChildProcessWithoutNullStreams
  /** Settles when the process is gone and its output complete. */
  readonly exited: Promise<Exit>
  readonly #lines: string[] = []
  readonly #onLine = new Set<() => void>()
  #stdout: Buffer[] = []
  #stderr: Buffer[] = []
  #exit: Exit | undefined

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    running.add(this)
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => this.#addLine(`cannot start: ${error.message}`))
      child.once('close', (code, signal) => {
        running.delete(this)
        this.#exit = { code, signal }
        for (const wake of this.#onLine) wake()
        resolve(this.#exit)
      })
    })
    this.#collect('stdout', this.#stdout)
    this.#collect('stderr', this.#stderr)
    // Writing to a process that is gone is no failure of the test.
    child.stdin.on('error', () => undefined)
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process could not be started')
    return this.child.pid
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString()
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString()
  }

  /** Complete lines of both outputs, in the order they came. */
  get lines(): readonly string[] {
    return this.#lines
  }

  get alive(): boolean {
    return this.#exit === undefined
  }

  /** The first line that matches, past or future, from the `from`th on. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    let seen = from
    let found: string | undefined
    await this.#until(() => {
      for (; seen < this.#lines.length && found === undefined; seen += 1) {
        const line = this.#lines[seen] as string
        if (pattern.test(line)) found = line
      }
      return found !== undefined
    }, String(pattern))
    return found as string
  }

  /** Memory in use, in bytes, as the system counts it (Linux; 0 where it does not say). */
  rss(): number {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
    } catch {
      return 0
    }
  }

  /** Ends the process: politely, then by force. Returns how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.#exit) return this.#exit
    this.child.kill(signal)
    const force = setTimeout(() => this.child.kill('SIGKILL'), 15_000)
    const exit = await this.exited
    clearTimeout(force)
    return exit
  }

  #collect(name: 'stdout' | 'stderr', chunks: Buffer[]): void {
    let rest = ''
    this.child[name].on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#addLine(line)
    })
  }

  #addLine(line: string): void {
    this.#lines.push(line)
    for (const wake of this.#onLine) wake()
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer)
        this.#onLine.delete(check)
        if (error) reject(error)
        else resolve()
      }
      const check = (): void => {
        if (holds()) settle()
        else if (this.#exit) settle(this.#failure(`ended before ${what}`))
      }
      const timer = setTimeout(() => settle(this.#failure(`no ${what}`)), PATIENCE)
      this.#onLine.add(check)
      check()
    })
  }

  #failure(what: string): Error {
    const { code, signal } = this.#exit ?? {}
    const state = this.#exit ? `exit ${code ?? signal}` : 'running'
    return new Error(`${what} (${state}):\n${this.#lines.slice(-40).join('\n')}`)
  }
}

/** Starts a process; all of them are ended with the test file that started them. */
export function start(args: readonly string[], options: StartOptions = {}): Process {
  const child = spawn(options.program ?? process.execPath, args, {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: 'pipe',
  })
  registerEnds()
  return new Process(child)
}

/** Runs a process to its end. */
export async function run(
  args: readonly string[],
  options: StartOptions & { readonly input?: string | Buffer } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const child = start(args, options)
  child.child.stdin.end(options.input)
  const exit = await child.exited
  return { ...exit, stdout: child.stdout, stderr: child.stderr }
}

/** Below the ports systems give to connections and to whoever asks for any (Linux: 32768 and up). */
const PORTS = { from: 10_000, to: 32_000 }
const givenPorts = new Set<number>()

/** A port of 127.0.0.1 nobody listens on at the moment, which none but its user takes by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (givenPorts.has(port)) continue
    givenPorts.add(port)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** Waits until `holds` does, asking again after each short pause. */
export async function eventually<T>(
  holds: () => T | Promise<T>,
  { within = PATIENCE, every = 25 }: { readonly within?: number; readonly every?: number } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + within
  for (;;) {
    const value = await holds()
    if (value) return value
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}

/** Children must not outlive the tests, whether these pass, fail or are interrupted. */
function registerEnds(): void {
  if (ends) return
  ends = 'registered'
  process.once('exit', () => {
    for (const child of running) child.child.kill('SIGKILL')
  })
}

/** Ends every process that the test file started. Call once, at the top of the file. */
export function stopProcessesAfterwards(): void {
  afterAll(async () => {
    await Promise.all([...running].map((child) => child.stop('SIGKILL')))
  })
}
