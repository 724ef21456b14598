import { StringDecoder } from 'node:string_decoder'
import { inspect } from 'node:util'
import { CallError } from '@flatend/rpc'
import { BodyQueue, collectStream } from '../body-queue.ts'
import type { Node } from '../node.ts'
import { type CallOptions, DEFAULT_REPLY_LIMIT, Reply } from '../reply.ts'
import type { Handler } from '../serve.ts'
import { type ProviderRow, providerRows, providerTable } from './find.ts'
import { type PeerRow, peerRows, peerTable } from './peers.ts'
import { printable } from './printable.ts'
import type { Screen } from './repl-screen.ts'
import { table } from './table.ts'

/** A service some connected node offers, or this one. */
interface ServiceRow {
  readonly name: string
  /** How many connected nodes offer it. */
  readonly nodes: number
  /** Whether this one does. */
  readonly here: boolean
}

/** What is at hand at the prompt, and the calls that run. */
export class ReplContext {
  readonly #node: Node
  readonly #screen: Screen
  readonly #running = new Set<AbortController>()
  #onIdle: (() => void) | undefined
  #failed = false

  constructor(node: Node, screen: Screen) {
    this.#node = node
    this.#screen = screen
  }

  /** Whether a call was answered with a status of 400 or above. */
  get failed(): boolean {
    return this.#failed
  }

  /** The names that can be typed, and what they stand for. */
  get globals(): Readonly<Record<string, unknown>> {
    return {
      node: this.#node,
      call: this.#call,
      peers: this.#peers,
      find: this.#find,
      services: this.#services,
      provide: this.#provide,
    }
  }

  /** Names of services that are known and can be typed. */
  names(): string[] {
    const names = this.#services().map(({ name }) => name)
    return names.filter((name) => !/[\s'"`\\]/.test(name) && printable(name) === name)
  }

  /** Cancels the calls that run. */
  cancel(): void {
    for (const controller of this.#running) {
      controller.abort(new CallError('cancelled', 'the call was cancelled'))
    }
  }

  /** Settles when no call runs any more. */
  async idle(): Promise<void> {
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  readonly #call = (
    service: string | readonly string[],
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Reply> => {
    if (!Array.isArray(service)) expectName('call', service)
    const controller = new AbortController()
    const { signal = controller.signal } = options
    this.#running.add(controller)
    return this.#run(service, body, {
      ...options,
      signal: AbortSignal.any([signal, controller.signal]),
    }).finally(() => {
      this.#running.delete(controller)
      if (this.#running.size === 0) this.#onIdle?.()
    })
  }

  /** Prints the answer as it comes; the reply that is returned has it once more. */
  async #run(
    service: string | readonly string[],
    body: unknown,
    options: CallOptions,
  ): Promise<Reply> {
    const reply = await this.#node.call(service, body, options)
    if (reply.status >= 400) this.#failed = true
    this.#screen.print(`${reply.status}\n`)
    const bytes = await collectStream(this.#printed(reply), DEFAULT_REPLY_LIMIT).finally(() =>
      this.#screen.freshLine(),
    )
    const queue = new BodyQueue({ consumed: ignore, refused: ignore, threw: ignore })
    queue.push(bytes)
    queue.close()
    const head = { status: reply.status, headers: reply.rawHeaders }
    return new Reply(head, queue, { cancel: () => undefined })
  }

  async *#printed({ body }: Reply): AsyncGenerator<Buffer> {
    const decoder = new StringDecoder()
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.#screen.print(this.#screen.terminal ? decoder.write(chunk) : chunk)
      yield chunk
    }
    if (this.#screen.terminal) this.#screen.print(decoder.end())
  }

  readonly #peers = async (): Promise<readonly PeerRow[]> =>
    asTable(await peerRows(this.#node), peerTable)

  readonly #find = async (service: string): Promise<readonly ProviderRow[]> => {
    expectName('find', service)
    return asTable(await providerRows(this.#node, service), (rows) =>
      rows.length > 0 ? providerTable(rows) : `nobody offers "${service}" in this mesh`,
    )
  }

  readonly #services = (): readonly ServiceRow[] => {
    const nodes = new Map(this.#node.services().map((name) => [name, 0]))
    for (const { services } of this.#node.peers())
      for (const name of services) nodes.set(name, (nodes.get(name) ?? 0) + 1)
    const own = new Set(this.#node.services())
    const rows = Array.from(nodes, ([name, count]) => ({ name, nodes: count, here: own.has(name) }))
    return asTable(
      rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      serviceTable,
    )
  }

  readonly #provide = (what: string | Readonly<Record<string, Handler>>, fn?: Handler): void => {
    const services = typeof what === 'string' ? { [what]: fn as Handler } : what
    for (const [name, handler] of Object.entries(services)) this.#node.register(name, handler)
  }
}

function serviceTable(rows: readonly ServiceRow[]): string {
  return table([
    ['SERVICE', 'NODES', 'HERE'],
    ...rows.map(({ name, nodes, here }) => [name, String(nodes), here ? 'yes' : '-']),
  ])
}

/** Rows to work with that a prompt shows as a table. */
function asTable<T>(rows: readonly T[], show: (rows: readonly T[]) => string): readonly T[] {
  return Object.defineProperty(rows, inspect.custom, { value: () => show(rows).trimEnd() })
}

function expectName(command: string, name: unknown): void {
  if (typeof name === 'string' && name !== '') return
  throw new TypeError(`${command} takes the name of a service`)
}

function ignore(): void {}
