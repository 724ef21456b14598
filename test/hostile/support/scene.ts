import { startVictim } from '../../attacks/support/victims.ts'
import { eventually, PATIENCE } from '../../support/processes.ts'
import { type RemoteNode, startNode } from '../../support/remote-node.ts'

/** Calls a second of the good client. */
const PER_SECOND = 200
/** How long a storm is measured at least, in milliseconds. */
const MEASURED = 2_000
/** How long calm is measured before it, in milliseconds: in the storm the control tells as much. */
const CALM = 1_000
/** Slowness that is no more than this is the machine's, in milliseconds. */
const FLOOR = 50
const TRIES = 3
/** What a heap may have more afterwards: code that was compiled, caches. */
const HEAP = 6 * 1_048_576
/** Timers that come and go by themselves. */
const TIMERS = 3
/** An address that a goodbye names is tried for half a minute: twice as long, in milliseconds. */
const TIMERS_END = 60_000

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
  /** Calls to a node that nobody attacked, at the same time on the same machine. */
  readonly control: LoadFigures
  readonly ms: number
  readonly rounds: number
  /** Milliseconds: the node's processor time, and the longest that it did not get to its events. */
  readonly node: Effort
  readonly client: Effort
  readonly figures: Figures
}

interface Effort {
  readonly cpu: number
  readonly stall: number
}

/**
 * A node under attack, and a client of it that did nothing wrong; each a process of its own. Beside
 * them a node and a client that nobody attacks, who show how slow the machine is at the moment.
 */
export class Scene {
  readonly port: number
  readonly #node: RemoteNode
  readonly #client: RemoteNode
  readonly #other: RemoteNode
  #start: Vitals | undefined

  private constructor(port: number, nodes: readonly [RemoteNode, RemoteNode, RemoteNode]) {
    this.port = port
    this.#node = nodes[0]
    this.#client = nodes[1]
    this.#other = nodes[2]
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
    const spared = await startVictim('ours', { services: ['pipe'], quiet: true })
    const other = await startNode({ addrs: [`127.0.0.1:${spared.port}`], quiet: true })
    const scene = new Scene(port, [node, client, other])
    await scene.load(MEASURED)
    return scene
  }

  async vitals(): Promise<Vitals> {
    return (await this.#node.command('vitals')) as unknown as Vitals
  }

  /** Calls while nothing else happens. */
  async load(ms: number): Promise<LoadFigures> {
    await beginLoad(this.#client)
    await new Promise((resolve) => setTimeout(resolve, ms))
    return await endLoad(this.#client)
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
      if (!isSlowed(measured)) return measured
      process.stdout.write(`slowed, once more: ${JSON.stringify(measured)}\n`)
    }
    throw new Error(`the good client is slowed: ${JSON.stringify(measured)}`)
  }

  /** Remembers what the node holds while nobody attacks it. */
  async remember(): Promise<Vitals> {
    this.#start = await this.vitals()
    return this.#start
  }

  /** Waits until the node holds no more than it did at first, timers apart: see {@link calmed}. */
  async recovered(): Promise<Vitals> {
    return await this.#back(HELD, PATIENCE)
  }

  /** Waits until the node holds no more than it did at first, the timers of all storms included. */
  async calmed(): Promise<Vitals> {
    return await this.#back({ ...HELD, timers: TIMERS }, TIMERS_END)
  }

  async #back(allowed: Excess, within: number): Promise<Vitals> {
    const start = this.#start as Vitals
    let now = start
    const isBack = async (): Promise<boolean> => {
      now = await this.vitals()
      return excess(now, start, allowed).length === 0
    }
    await eventually(isBack, { within, every: 250 }).catch(() => {
      throw new Error(`not given back: ${excess(now, start, allowed).join(', ')}`)
    })
    return now
  }

  async #measure(attack: () => Promise<Figures>): Promise<Measured> {
    const calm = await this.load(CALM)
    const [node, client] = await this.#efforts()
    await Promise.all([beginLoad(this.#client), beginLoad(this.#other)])
    const began = performance.now()
    let figures: Figures = {}
    let rounds = 0
    while (performance.now() - began < MEASURED) {
      figures = await attack()
      rounds += 1
    }
    const ms = Math.round(performance.now() - began)
    const [storm, control] = await Promise.all([endLoad(this.#client), endLoad(this.#other)])
    const [nodeNow, clientNow] = await this.#efforts()
    const efforts = { node: since(nodeNow, node), client: since(clientNow, client) }
    return { calm, storm, control, ms, rounds, ...efforts, figures }
  }

  async #efforts(): Promise<[Effort, Effort]> {
    const both = [this.#node, this.#client].map(async (node) => await node.command('effort'))
    return (await Promise.all(both)) as unknown as [Effort, Effort]
  }
}

function since(now: Effort, then: Effort): Effort {
  return { stall: now.stall, cpu: now.cpu - then.cpu }
}

async function beginLoad(client: RemoteNode): Promise<void> {
  const call = { services: ['pipe'], text: 'a small call', perSecond: PER_SECOND }
  await client.command('load', call)
}

async function endLoad(client: RemoteNode): Promise<LoadFigures> {
  return (await client.command('stop-load')) as unknown as LoadFigures
}

/** Twice as slow as before the storm, and as who was not attacked: the machine does other things too. */
function isSlowed({ calm, storm, control }: Measured): boolean {
  return storm.p99 > Math.max(2 * calm.p99, 2 * control.p99, FLOOR)
}

/** What a node has to give back after each storm, and how much more of it there may be. */
const HELD: Excess = { descriptors: 0, connections: 0, sessions: 0, streams: 0, heap: HEAP }
type Excess = Partial<Record<keyof Vitals, number>>

/** What there is more of than there was, in words. */
function excess(now: Vitals, start: Vitals, allowed: Excess): string[] {
  return Object.entries(allowed)
    .map(([name, more]) => [name as keyof Vitals, more] as const)
    .filter(([name, more]) => now[name] > start[name] + more)
    .map(([name]) => `${name} ${now[name]} after ${start[name]}`)
}
