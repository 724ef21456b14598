import { fileURLToPath } from 'node:url'
import type { NodeLimits } from '@flatend/node'
import { type Process, type StartOptions, start } from './processes.ts'

/** What a node of a process of its own is started with. */
export interface RemoteNodeOptions {
  /** The 2020 SDK or ours. @default 'ours' */
  readonly sdk?: '2020' | 'ours'
  readonly addrs?: readonly string[]
  readonly publicAddr?: string
  readonly bindAddrs?: readonly string[]
  /** Names from the table in the process's script. */
  readonly services?: readonly string[]
  /** Give it a secret key, so that it listens and is listed by others. */
  readonly identified?: boolean
  /** Speak the protocol of 2020 too. */
  readonly legacy?: boolean
  /** Deadline of its calls that name none. */
  readonly timeoutMs?: number
  /** Limits of `Node.start`. */
  readonly limits?: NodeLimits
  /** It counts what it holds: the command `vitals` tells. */
  readonly vitals?: boolean
  /** It logs nothing. */
  readonly quiet?: boolean
  /** What its answers say who gave them. */
  readonly name?: string
}

/** One call made by a remote node. */
export interface RemoteCall {
  readonly services: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Body: this text, or `bytes` bytes of the pattern. */
  readonly text?: string
  readonly bytes?: number
  readonly timeoutMs?: number
}

/** What came of it. */
export interface RemoteReply {
  readonly status?: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: number
  readonly sha1: string
  /** The body, where it is short. */
  readonly text?: string
}

/** Something a remote node says unasked. */
export interface RemoteEvent {
  readonly event: string
  readonly [field: string]: unknown
}

const scripts = {
  ours: fileURLToPath(new URL('nodes/node.mjs', import.meta.url)),
  2020: fileURLToPath(new URL('legacy/node.cjs', import.meta.url)),
}

/** A node in a process of its own, told what to do over standard input. */
export class RemoteNode {
  readonly process: Process
  readonly #seen = new Map<string, number>()
  #next = 1

  constructor(options: RemoteNodeOptions, process: StartOptions = {}) {
    const { sdk = 'ours', ...rest } = options
    const flags = options.vitals ? ['--expose-gc'] : []
    this.process = start([...flags, scripts[sdk], JSON.stringify(rest)], process)
  }

  /** Calls a service; rejects with the process's own message where the call fails. */
  async call(call: RemoteCall): Promise<RemoteReply> {
    return (await this.command('push', { ...call })) as unknown as RemoteReply
  }

  /** Any command of the script. */
  async command(name: string, fields: object = {}): Promise<Record<string, unknown>> {
    const id = this.#next
    this.#next += 1
    this.process.child.stdin.write(`${JSON.stringify({ ...fields, do: name, id })}\n`)
    const line = await this.process.line(new RegExp(`^\\{"id":${id}[,}]`))
    const answer = JSON.parse(line) as { readonly error?: { message: string; code?: string } }
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer
  }

  /** The next event of that name. Each is handed out once. */
  async event(name: string): Promise<RemoteEvent> {
    const pattern = new RegExp(`^\\{"event":"${name}"`)
    const from = this.#seen.get(name) ?? 0
    const line = await this.process.line(pattern, from)
    this.#seen.set(name, this.process.lines.indexOf(line, from) + 1)
    return JSON.parse(line) as RemoteEvent
  }
}

/** Starts a remote node and waits until it says that it is up. */
export async function startNode(
  options: RemoteNodeOptions,
  process: StartOptions = {},
): Promise<RemoteNode> {
  const node = new RemoteNode(options, process)
  await node.event('started')
  return node
}
