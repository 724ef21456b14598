import { expect, test } from 'vitest'
import { startVictim } from '../attacks/support/victims.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'
import { cut, type Done, joinAndGo, stream } from './churn.ts'
import { type Point, slopeOf } from './regression.ts'

stopProcessesAfterwards()

/** How long it takes, start and end included. */
const MINUTES = Number(process.env['FLATEND_SOAK_MINUTES'] ?? 3)
/** Kept for the start, and for giving back what was taken, in milliseconds. */
const ENDS = 25_000
/** By then nodes that were just started have dialed each other back, in milliseconds. */
const SETTLED = 3_000
const PER_SECOND = 800
/** Calls open at a time: a machine that stands still for a second is no overload. */
const ABREAST = 100
/** Work goes on for so long between two looks at the heap, which are taken at rest, in milliseconds. */
const ROUND = 8_000
/** The share of the samples in which code is compiled and caches fill. */
const WARM_UP = 0.3
/** Growth of a heap that is none, in bytes for 100,000 calls. */
const FLAT = 1_048_576
/** Timers that come and go by themselves, and one address of a node that crashed. */
const TIMERS = 5

const CALLS = { services: ['pipe'], text: 'soak', perSecond: PER_SECOND, most: ABREAST }

interface Held {
  readonly descriptors: number
  readonly connections: number
  readonly sessions: number
  readonly streams: number
  readonly timers: number
  readonly calls: number
  readonly heap: number
}

const held = async (node: RemoteNode): Promise<Held> =>
  (await node.command('vitals')) as unknown as Held

/** When no connection is there but those that stay: nodes look at each other's addresses at first. */
async function atRest(node: RemoteNode): Promise<Held> {
  await pause(SETTLED)
  const state: { held?: Held } = {}
  await eventually(async () => {
    state.held = await held(node)
    return state.held.connections === state.held.sessions
  })
  return state.held as Held
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** Does something again and again until `end`. */
async function until(
  end: number,
  every: number,
  task: (i: number) => Promise<void>,
): Promise<void> {
  for (let i = 0; performance.now() < end; i += 1) {
    await task(i)
    await pause(every)
  }
}

function counts({ descriptors, connections, sessions, streams }: Held): Partial<Held> {
  return { descriptors, connections, sessions, streams }
}

/** What a process held at the start, it holds at the end, and no more. */
async function expectBack(node: RemoteNode, start: Held): Promise<Held> {
  let now = start
  await eventually(
    async () => {
      now = await held(node)
      return JSON.stringify(counts(now)) === JSON.stringify(counts(start))
    },
    { every: 500 },
  ).catch(() => undefined)
  expect(counts(now)).toEqual(counts(start))
  expect(now.timers).toBeLessThanOrEqual(start.timers + TIMERS)
  return now
}

/** Bytes for 100,000 calls that the heap grew, the warm-up left out. */
function growth(samples: readonly Point[]): number {
  return slopeOf(samples.slice(Math.floor(samples.length * WARM_UP))) * 100_000
}

test(`${MINUTES} minutes of calls, streams, and nodes that come and go: nothing is left behind`, {
  timeout: MINUTES * 60_000 + 120_000,
}, async () => {
  const end = performance.now() + MINUTES * 60_000 - ENDS
  const services = ['pipe', 'wait']
  const { node, port } = await startVictim('ours', { services, vitals: true, quiet: true })
  const seed = `127.0.0.1:${port}`
  const caller = await startNode({ addrs: [seed], vitals: true, quiet: true })
  await caller.call({ services: ['pipe'], text: 'first' })
  const [start, callerStart] = [await atRest(node), await atRest(caller)]
  const done: Done = {
    joined: 0,
    left: 0,
    crashed: 0,
    streams: 0,
    bytes: 0,
    cancelled: 0,
    expired: 0,
  }
  const heaps: Point[] = []
  const callerHeaps: Point[] = []

  const load = { calls: 0, failed: 0, p99: 0 }
  while (performance.now() < end) {
    const round = Math.min(end, performance.now() + ROUND)
    await caller.command('load', CALLS)
    await Promise.all([
      until(round, 500, async () => await joinAndGo(seed, done.joined % 2 === 0, done)),
      until(round, 300, async () => await stream(caller, done)),
      until(round, 200, async () => await cut(caller, done)),
    ])
    const figures = (await caller.command('stop-load')) as unknown as typeof load
    load.calls += figures.calls
    load.failed += figures.failed
    load.p99 = Math.max(load.p99, figures.p99)
    heaps.push({ x: load.calls, y: (await expectBack(node, start)).heap })
    callerHeaps.push({ x: load.calls, y: (await expectBack(caller, callerStart)).heap })
  }

  const [last, callerLast] = [await expectBack(node, start), await expectBack(caller, callerStart)]
  const grown = { provider: Math.round(growth(heaps)), caller: Math.round(growth(callerHeaps)) }
  process.stdout.write(
    `soak: ${JSON.stringify({ minutes: MINUTES, load, done, bytesIn100000Calls: grown, kib: heaps.map(({ y }) => Math.round(y / 1_024)), start, last, callerStart, callerLast })}\n`,
  )
  expect(load.failed).toBe(0)
  expect(grown.provider).toBeLessThan(FLAT)
  expect(grown.caller).toBeLessThan(FLAT)
  expect(Math.min(done.left, done.crashed, done.streams, done.cancelled)).toBeGreaterThan(0)
})
