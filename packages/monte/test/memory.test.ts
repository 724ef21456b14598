import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createLinkPair,
  createMemoryNetwork,
  createVirtualClock,
  type MemoryLink,
  seededRandom,
  type VirtualClock,
} from '../src/memory/index.ts'

describe('the virtual clock', () => {
  test('runs timers in order of time, then of setting; cancelled ones never', () => {
    const timers = fc.array(fc.record({ delay: fc.nat({ max: 50 }), cancel: fc.boolean() }))
    fc.assert(
      fc.property(timers, (plan) => {
        const clock = createVirtualClock()
        const ran: number[] = []
        for (const [i, { delay, cancel }] of plan.entries()) {
          const timer = clock.schedule(delay, () => {
            expect(clock.now()).toBe(delay)
            ran.push(i)
          })
          if (cancel) timer.cancel()
        }
        const kept = plan.flatMap(({ delay, cancel }, i) => (cancel ? [] : [{ delay, i }]))
        expect(clock.pending).toBe(kept.length)
        clock.run()
        expect(ran).toEqual(kept.toSorted((a, b) => a.delay - b.delay).map(({ i }) => i))
        expect(clock.pending).toBe(0)
      }),
    )
  })

  test('stops where it is told; timers set on the way run', () => {
    const clock = createVirtualClock()
    const at: number[] = []
    const tick = (): void => {
      at.push(clock.now())
      clock.schedule(10, tick)
    }
    clock.schedule(10, tick)
    clock.advance(35)
    expect([at, clock.now()]).toEqual([[10, 20, 30], 35])
    expect(() => clock.run(Number.POSITIVE_INFINITY, 100)).toThrow('no end')
  })

  test('a timer that cancels itself, or is cancelled after it ran, counts once', () => {
    const clock = createVirtualClock()
    const timer = clock.schedule(1, () => timer.cancel())
    clock.run()
    timer.cancel()
    expect([clock.pending, clock.next()]).toEqual([0, false])
  })
})

interface Log {
  readonly events: string[]
  bytes: number
}

function listen(link: MemoryLink): Log {
  const log: Log = { events: [], bytes: 0 }
  link.attach({
    onData: (chunk) => {
      log.bytes += chunk.length
    },
    onDrain: () => void log.events.push('drain'),
    onEnd: () => void log.events.push('end'),
    onClose: (error) => void log.events.push(error ? `close: ${error.message}` : 'close'),
  })
  return log
}

describe('a link', () => {
  test('gives back pressure, and drains once everything was read', () => {
    const clock = createVirtualClock()
    const [a, b] = createLinkPair({ clock, latency: 5 })
    const [near, far] = [listen(a), listen(b)]
    b.pause()
    expect(a.write([new Uint8Array(60_000)])).toBe(true)
    expect(a.write([new Uint8Array(60_000)])).toBe(false)
    clock.advance(100)
    expect([near.events, far.bytes]).toEqual([[], 0])
    b.resume()
    clock.advance(100)
    expect([near.events, far.bytes]).toEqual([['drain'], 120_000])
  })

  test('ends both ways in turn, then closes at both ends', () => {
    const clock = createVirtualClock()
    const [a, b] = createLinkPair({ clock, latency: 5 })
    const [near, far] = [listen(a), listen(b)]
    a.write([new Uint8Array(3)])
    a.end()
    clock.run()
    expect([far.bytes, far.events, near.events]).toEqual([3, ['end'], []])
    b.end()
    clock.run()
    expect([far.events, near.events]).toEqual([
      ['end', 'close'],
      ['end', 'close'],
    ])
    expect(a.write([new Uint8Array(1)])).toBe(false)
  })

  test('destroyed at one end is reset at the other', () => {
    const clock = createVirtualClock()
    const [a, b] = createLinkPair({ clock, latency: 5 })
    const [near, far] = [listen(a), listen(b)]
    a.destroy()
    clock.run()
    expect(near.events).toEqual(['close'])
    expect(far.events).toEqual(['close: the connection was reset'])
  })
})

function network(options: { loss?: number; seed?: number } = {}) {
  const clock = createVirtualClock()
  const random = seededRandom(options.seed ?? 1)
  const net = createMemoryNetwork({ clock, random, latency: [5, 20], loss: options.loss ?? 0 })
  return { clock, net }
}

async function settle<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  clock.run()
  return await promise
}

/** How many writes a lossy connection lives. */
async function lost(seed: number): Promise<number> {
  const { clock, net } = network({ loss: 0.05, seed })
  const { address } = await net.listen({ host: '10.0.0.2', port: 1, onLink: listen })
  const link = await settle(clock, net.dial(address))
  const near = listen(link)
  let writes = 0
  while (near.events.length === 0) {
    link.write([new Uint8Array(1)])
    writes++
    clock.run()
  }
  if (near.events[0] !== 'close: the connection was lost') throw new Error(near.events.join())
  return writes
}

describe('a network', () => {
  test('dials whom it knows, and nobody else', async () => {
    const { clock, net } = network()
    const accepted: MemoryLink[] = []
    const onLink = (link: MemoryLink): void => void accepted.push(link)
    const listener = await net.listen({ host: '10.0.0.2', port: 0, onLink })
    const { address } = listener
    const link = await settle(clock, net.dial(address))
    expect(link.remote).toEqual(address)
    expect(accepted[0]?.remote?.host).toBe('10.0.0.1')
    expect(net.connections).toBe(1)
    await expect(net.listen({ ...address, onLink })).rejects.toThrow('taken')
    listener.close()
    await expect(settle(clock, net.dial(address))).rejects.toThrow('nothing listens there')
  })

  test('a dial can be given up', async () => {
    const { clock, net } = network()
    const controller = new AbortController()
    const dial = net.dial({ host: '10.0.0.2', port: 1, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(settle(clock, dial)).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
    const { signal } = controller
    await expect(net.dial({ host: '10.0.0.2', port: 1, signal })).rejects.toThrow('enough')
  })

  test('a partition silences what is open and stops what is new; healing cuts the silent', async () => {
    const { clock, net } = network()
    let far: Log | undefined
    const onLink = (link: MemoryLink): void => void (far = listen(link))
    const { address } = await net.listen({ host: '10.0.0.2', port: 1, onLink })
    const link = await settle(clock, net.dial(address))
    const near = listen(link)
    net.partition([['10.0.0.2', '10.0.0.3']])
    link.write([new Uint8Array(5)])
    await expect(settle(clock, net.dial(address))).rejects.toThrow('did not answer')
    const inside = await settle(clock, net.dial({ ...address, from: '10.0.0.3' }))
    expect([near.events, far?.bytes]).toEqual([[], 0])
    net.heal()
    clock.run()
    expect(near.events).toEqual(['close: the connection was cut'])
    expect([inside.closed, net.connections]).toEqual([false, 1])
    expect((await settle(clock, net.dial(address))).closed).toBe(false)
  })

  test('loss takes the connection along, at the same place for the same seed', async () => {
    expect([await lost(1), await lost(1)]).toEqual([await lost(1), await lost(1)])
    expect(await lost(2)).not.toBe(await lost(5))
  })
})
