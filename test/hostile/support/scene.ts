import { startVictim } from '../../attacks/support/victims.ts'
import { eventually } from '../../support/processes.ts'
import { type RemoteNode, startNode } from '../../support/remote-node.ts'

/** Calls a second of the good client. */
const PER_SECOND = 200
/** How long a storm is measured at least, and calm before it, in milliseconds. */
const MEASURED = 2_000
/** Slowness that is no more than this is the machine's, in milliseconds. */
const FLOOR = 50
const TRIES = 3
/** What a heap may have more afterwards: code that was compiled, caches. */
const HEAP = 6 * 1_048_576
/** Timers that come and go by themselves. */
const TIMERS = 3

/** What a node holds: see nodes/vitals.mjs. */
export interface Vitals {
  readonly descriptors: number
  readonly connections: number
  readonly halfOpen: number
  readonly sessions: number
  readonly streams: number
  readonly timers: number
  readonly heap: number
  readonly rss: number
}

/** How calls went. */
export interface LoadFigures {
  readonly calls: number
  readonly failed: number
  readonly errors: readonly string[]
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** What a storm did, to be printed. */
export type Figures = Readonly<Record<string, number | string | Record<string, number>>>

/** A storm and the calls of the good client before it and in it. */
export interface Measured {
  readonly calm: LoadFigures
  readonly storm: LoadFigures
  readonly ms: number
  readonly rounds: number
  readonly figures: Figures
}

/** A node under attack, and a client of it that did nothing wrong; each a process of its own. */
export class Scene {
  readonly port: number
  readonly #node: RemoteNode
  readonly #client: RemoteNode
  #start: Vitals | undefined

  private constructor(port: number, node: RemoteNode, client: RemoteNode) {
    this.port = port
    this.#node = node
    this.#client = client
  }

  /** Starts both; code is warm then. */
  static async start(): Promise<Scene> {
    const { node, port } = await startVictim('ours', {
      services: ['hello', 'pipe', 'wait', 'big'],
      vitals: true,
      quiet: true,
      // All of the attackers come from one host, which is then limited by what all have together.
      limits: { admission: { maxHalfOpenPerHost: 256 } },
    })
    const client = await startNode({ addrs: [`127.0.0.1:${port}`], vitals: true, quiet: true })
    const scene = new Scene(port, node, client)
    await scene.load(MEASURED)
    return scene
  }

  async vitals(): Promise<Vitals> {
    return (await this.#node.command('vitals')) as unknown as Vitals
  }

  /** Calls while nothing else happens. */
  async load(ms: number): Promise<LoadFigures> {
    await this.#beginLoad()
    await new Promise((resolve) => setTimeout(resolve, ms))
    return await this.#endLoad()
  }

  /**
   * The good client before a storm and in it: it has no error in any try, and is not slowed in the
   * best. @throws Error with the figures otherwise
   */
  async endure(storm: () => Promise<Figures>): Promise<Measured> {
    let measured: Measured | undefined
    for (let tries = 0; tries < TRIES; tries += 1) {
      measured = await this.#measure(storm)
      const failed = measured.calm.failed + measured.storm.failed
      if (failed > 0) throw new Error(`calls failed: ${JSON.stringify(measured)}`)
      if (measured.storm.p99 <= Math.max(2 * measured.calm.p99, FLOOR)) return measured
      process.stdout.write(`slowed, once more: ${JSON.stringify(measured)}\n`)
    }
    throw new Error(`the good client is slowed: ${JSON.stringify(measured)}`)
  }

  /** Remembers what the node holds while nobody attacks it. */
  async remember(): Promise<Vitals> {
    this.#start = await this.vitals()
    return this.#start
  }

  /** Waits until the node holds no more than it did at first. */
  async recovered(): Promise<Vitals> {
    const start = this.#start as Vitals
    let now = start
    const isBack = async (): Promise<boolean> => {
      now = await this.vitals()
      return excess(now, start).length === 0
    }
    await eventually(isBack, { every: 250 }).catch(() => {
      throw new Error(`not given back: ${excess(now, start).join(', ')}`)
    })
    return now
  }

  async #measure(storm: () => Promise<Figures>): Promise<Measured> {
    const calm = await this.load(MEASURED)
    await this.#beginLoad()
    const began = performance.now()
    let figures: Figures = {}
    let rounds = 0
    while (performance.now() - began < MEASURED) {
      figures = await storm()
      rounds += 1
    }
    const ms = Math.round(performance.now() - began)
    return { calm, storm: await this.#endLoad(), ms, rounds, figures }
  }

  async #beginLoad(): Promise<void> {
    const call = { services: ['pipe'], text: 'a small call', perSecond: PER_SECOND }
    await this.#client.command('load', call)
  }

  async #endLoad(): Promise<LoadFigures> {
    return (await this.#client.command('stop-load')) as unknown as LoadFigures
  }
}

/** What there is more of than there was, in words. */
function excess(now: Vitals, start: Vitals): string[] {
  const allowed = {
    descriptors: 0,
    connections: 0,
    sessions: 0,
    streams: 0,
    timers: TIMERS,
    heap: HEAP,
  }
  return (Object.keys(allowed) as (keyof typeof allowed)[])
    .filter((name) => now[name] > start[name] + allowed[name])
    .map((name) => `${name} ${now[name]} after ${start[name]}`)
}
