// What the examples' tests share: real processes, free ports, curl.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, vi } from 'vitest'
import { temporaryFolder } from './gateway.ts'
import { FLATEND, freePort, PATIENCE } from './processes.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: 2 * PATIENCE })

const running = new Set<Running>()
afterAll(async () => {
  await Promise.all([...running].map((one) => one.stop('SIGKILL')))
})
process.once('exit', () => {
  for (const one of running) one.child.kill('SIGKILL')
})

/** A process that was started, and what it has printed. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams
  /** Exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  output = ''
  #over = false

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    running.add(this)
    child.stdin.on('error', () => undefined)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        this.output += text
        child.emit('output')
      })
    }
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        this.#over = true
        running.delete(this)
        child.emit('output')
        resolve(code ?? signal)
      })
    })
  }

  /** Waits until it has printed something that matches; `from` skips what was printed before. */
  async prints(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(PATIENCE)
    for (;;) {
      const found = pattern.exec(this.output.slice(from))
      if (found) return found
      if (this.#over) throw new Error(`ended without ${pattern}:\n${this.output}`)
      try {
        await once(this.child, 'output', { signal })
      } catch {
        throw new Error(`did not print ${pattern}:\n${this.output}`)
      }
    }
  }

  /** Types a line into it. */
  types(line: string): void {
    this.child.stdin.write(`${line}\n`)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    if (!this.#over) this.child.kill(signal)
    return await this.ended
  }
}

/** An example on ports of its own. */
export interface Example {
  readonly folder: string
  readonly meshPort: number
  readonly url: string
  /** Runs one of its programs with Node, on its mesh port. */
  run(file: string, ...args: readonly string[]): Running
  /** A new folder with its config.toml, in which only the ports are others, and what it serves. */
  copy(edit?: (config: string) => string): string
  /** Runs `flatend gateway` on such a copy. */
  gateway(edit?: (config: string) => string): Promise<Running>
}

/** The example of that name, with ports nobody uses; its processes end with the test or file. */
export async function example(name: string): Promise<Example> {
  const folder = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const [meshPort, httpPort] = [await freePort(), await freePort()]
  const env = { MESH_PORT: String(meshPort), PORT: String(httpPort) }
  const copy = (edit: (config: string) => string = (config) => config): string => {
    const to = temporaryFolder()
    const files = join(folder, 'public')
    if (existsSync(files)) cpSync(files, join(to, 'public'), { recursive: true })
    const config = edit(readFileSync(join(folder, 'config.toml'), 'utf8'))
      .replaceAll(':9000"', `:${meshPort}"`)
      .replaceAll(':3000"', `:${httpPort}"`)
    writeFileSync(join(to, 'config.toml'), config)
    return to
  }
  return {
    folder,
    meshPort,
    url: `http://127.0.0.1:${httpPort}`,
    run: (file, ...args) => start(process.execPath, [join(folder, file), ...args], { env }),
    copy,
    gateway: async (edit) => {
      const args = [FLATEND, 'gateway', '-c', 'config.toml']
      const gateway = start(process.execPath, args, { cwd: copy(edit) })
      await gateway.prints(/HTTP/)
      return gateway
    },
  }
}

/** Starts a program. */
export function start(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Running {
  const child = spawn(program, args, {
    ...options,
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: 'pipe',
  })
  return new Running(child)
}

/** What curl got. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Asks with the real curl. */
export async function curl(url: string, ...args: readonly string[]): Promise<Answer> {
  const format = '\n%{http_code} %{content_type}'
  const child = start('curl', ['-sS', '--noproxy', '*', '-m', '60', '-w', format, ...args, url])
  child.child.stdin.end()
  await child.ended
  const end = child.output.lastIndexOf('\n')
  const [status, ...type] = child.output.slice(end + 1).split(' ')
  return { status: Number(status), type: type.join(' '), body: child.output.slice(0, end) }
}

/** Asks again until the answer has this status: a service that just started is known in a moment. */
export async function curlUntil(status: number, url: string): Promise<Answer> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const answer = await curl(url)
    if (answer.status === status || performance.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
