import { readdirSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { type drivers, type Gateway, startGateway } from './gateway.ts'
import { eventually, freePort, type Process } from './processes.ts'
import { type RemoteNode, startNode } from './remote-node.ts'

/** A gateway and a service behind it, each a process of its own. */
export interface Pair {
  readonly gateway: Gateway
  readonly service: RemoteNode
  /** A line of the gateway's metrics. */
  readonly metric: (line: string) => Promise<number>
  readonly stop: () => Promise<void>
}

/** Options of {@link startPair}. */
export interface PairOptions {
  readonly driver: (typeof drivers)[number]
  /** The listener's time for what runs at a shutdown. @default '10s' */
  readonly shutdown?: string
  /** Further keys of the listener. */
  readonly listener?: string
}

const GETS = ['big', 'hello'] as const
const POSTS = ['iterate', 'take', 'pipe'] as const

/** Bulk takes longer than a call may by default. */
const route = (path: string, service: string): string =>
  `[[http.routes]]\npath = "${path}"\nservice = "${service}"\ntimeout = "300s"\n`

const config = [
  ...GETS.map((name) => route(`GET /${name}`, name)),
  ...POSTS.map((name) => route(`POST /${name}`, name)),
].join('\n')

/** Starts both, with a route for each service, and waits until one answers. */
export async function startPair(options: PairOptions): Promise<Pair> {
  const { driver, shutdown = '10s', listener = '' } = options
  const port = await freePort()
  const gateway = await startGateway({
    driver,
    config,
    top: `admin = "127.0.0.1:${port}"`,
    listener: `timeout = { shutdown = "${shutdown}" }\n${listener}`,
  })
  const service = await startService(gateway)
  const metric = async (line: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const found = text.split('\n').find((one) => one.startsWith(`${line} `))
    return Number(found?.slice(line.length + 1) ?? Number.NaN)
  }
  await eventually(async () => (await metric('flatend_providers{service="pipe"}')) === 1)
  const stop = async (): Promise<void> => {
    await Promise.all([gateway.process.stop('SIGKILL'), service.process.stop('SIGKILL')])
  }
  return { gateway, service, metric, stop }
}

/** A further provider of all services, waited for until the gateway knows of it. */
export function startService({ mesh }: Gateway): Promise<RemoteNode> {
  const services = [...GETS, ...POSTS]
  return startNode({ addrs: [mesh], services, quiet: true, vitals: true })
}

/** Starts both for one test, ended with it. */
export async function pairForTest(options: PairOptions): Promise<Pair> {
  const pair = await startPair(options)
  onTestFinished(pair.stop)
  return pair
}

/** Open descriptors of a process, where the system tells; else 0. */
export function descriptorsOf(process: Process): number {
  try {
    return readdirSync(`/proc/${process.pid}/fd`).length
  } catch {
    return 0
  }
}
