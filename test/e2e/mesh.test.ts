import { describe, expect, test } from 'vitest'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

interface PeerRow {
  readonly id: string
  readonly address?: string
  readonly services: readonly string[]
}

const peersOf = async (node: RemoteNode): Promise<readonly PeerRow[]> =>
  ((await node.command('peers')) as { readonly peers: readonly PeerRow[] }).peers

const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

/** Waits until a node is connected to one that offers the service. */
const knows = (node: RemoteNode, service: string): Promise<boolean> =>
  eventually(async () => {
    const peers = await peersOf(node)
    return peers.some(({ services }) => services.includes(service))
  })

const newNode = (options: object): Promise<RemoteNode> =>
  startNode({ identified: true, ...options })

describe('a mesh of processes', { timeout: 90_000 }, () => {
  test('five nodes know each other, and calls survive the death of one', async () => {
    const seed = await freeAddress()
    const nodes = [await newNode({ publicAddr: seed, name: 'n0', services: ['who'] })]
    for (let i = 1; i < 5; i += 1) {
      const publicAddr = await freeAddress()
      nodes.push(
        await newNode({ publicAddr, addrs: [seed], name: `n${i}`, services: ['who', 'never'] }),
      )
    }
    for (const node of nodes) await eventually(async () => (await peersOf(node)).length === 4)
    for (const node of nodes) {
      expect(new Set((await peersOf(node)).map(({ id }) => id)).size).toBe(4)
    }

    // A node of its own, without services, so that every call leaves it.
    const caller = await newNode({ publicAddr: await freeAddress(), addrs: [seed] })
    await eventually(async () => (await peersOf(caller)).length === 5)
    const answered = new Set<string | undefined>()
    for (let i = 0; i < 60; i += 1) answered.add((await caller.call({ services: ['who'] })).text)
    expect(answered).toEqual(new Set(['n0', 'n1', 'n2', 'n3', 'n4']))

    // Calls go on, without one failure, while a node is killed among them.
    const victim = nodes[2]!
    const rest: Promise<unknown>[] = []
    for (let i = 0; i < 100; i += 1) {
      if (i === 40) victim.process.child.kill('SIGKILL')
      rest.push(caller.call({ services: ['who'] }).then(({ text }) => text))
      if (i % 10 === 9) await Promise.allSettled(rest)
    }
    const results = await Promise.allSettled(rest)
    await eventually(async () => (await peersOf(caller)).length === 4)
    for (let i = 0; i < 40; i += 1) {
      expect((await caller.call({ services: ['who'] })).text).toMatch(/^n[0134]$/)
    }
    // What the victim was running when it died may fail; nothing else may.
    const failed = results.filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeLessThanOrEqual(10)
    for (const node of nodes)
      if (node !== victim) await eventually(async () => (await peersOf(node)).length === 4)
  })

  test('seeds may be down at the start', async () => {
    const seed = await freeAddress()
    const early = await startNode({ addrs: [seed], name: 'early', services: ['who'] })
    expect(await peersOf(early)).toEqual([])
    const late = await newNode({ publicAddr: seed })
    await eventually(async () => (await peersOf(late)).length === 1)
    await eventually(async () => (await peersOf(early)).length === 1)
    expect(await late.call({ services: ['who'] })).toMatchObject({ text: 'early' })
  })

  test('a seed that comes back is found again', async () => {
    const seed = await freeAddress()
    const first = await newNode({ publicAddr: seed })
    const node = await startNode({ addrs: [seed], name: 'faithful', services: ['who'] })
    await eventually(async () => (await peersOf(first)).length === 1)
    await first.process.stop('SIGKILL')
    await eventually(async () => (await peersOf(node)).length === 0)
    const second = await newNode({ publicAddr: seed })
    await eventually(async () => (await peersOf(second)).length === 1)
    expect(await second.call({ services: ['who'] })).toMatchObject({ text: 'faithful' })
  })

  test('services may come and go while a node runs', async () => {
    const seed = await freeAddress()
    const caller = await newNode({ publicAddr: seed })
    const node = await startNode({ addrs: [seed], name: 'changing' })
    await expect(caller.call({ services: ['who'] })).rejects.toThrow(/who/)
    await node.command('register', { service: 'who' })
    const offered = async () =>
      (await peersOf(caller)).some(({ services }) => services.includes('who'))
    await eventually(offered)
    expect(await caller.call({ services: ['who'] })).toMatchObject({ text: 'changing' })
    await node.command('unregister', { service: 'who' })
    await eventually(async () => !(await offered()))
    await expect(caller.call({ services: ['who'] })).rejects.toThrow(/who/)
  })

  test('a deadline passes through three hops, and a cancellation reaches the last', async () => {
    const seed = await freeAddress()
    const a = await newNode({ publicAddr: seed, name: 'a' })
    const b = await startNode({ addrs: [seed], name: 'b', services: ['forward-b'] })
    const c = await newNode({
      publicAddr: await freeAddress(),
      addrs: [seed],
      name: 'c',
      services: ['forward-c'],
    })
    const d = await newNode({
      publicAddr: await freeAddress(),
      addrs: [seed],
      name: 'd',
      services: ['never', 'who'],
    })
    // b must know c, and c must know d.
    await Promise.all([knows(a, 'forward-b'), knows(b, 'forward-c'), knows(c, 'never')])

    const whole = await a.call({ services: ['forward-b'], headers: { next: 'forward-c,who' } })
    expect(whole.text).toBe('b < c < d')

    const late = a.call({
      services: ['forward-b'],
      headers: { next: 'forward-c,never' },
      timeoutMs: 1_500,
    })
    await expect(late).rejects.toMatchObject({ kind: 'deadline' })
    const waiting = await d.event('waiting')
    expect(waiting['timeoutMs']).toBeLessThanOrEqual(1_500)
    expect(waiting['timeoutMs']).toBeGreaterThan(0)
    const ended = await d.event('cancelled')
    expect(ended['ms']).toBeLessThan(3_000)

    const lost = a.call({ services: ['forward-b'], headers: { next: 'forward-c,never' } })
    lost.catch(() => undefined)
    await d.event('waiting')
    await a.process.stop('SIGKILL')
    await expect(lost).rejects.toThrow(/ended before/)
    expect(await d.event('cancelled')).toMatchObject({ service: 'never' })
    // Nobody died of it.
    expect(b.process.alive && c.process.alive && d.process.alive).toBe(true)
  })

  test('a node that shuts down lets its calls finish', async () => {
    const seed = await freeAddress()
    const caller = await newNode({ publicAddr: seed })
    const node = await startNode({ addrs: [seed], services: ['hold', 'who'] })
    const held = caller.call({ services: ['hold'] })
    await node.event('held')
    const down = node.command('shutdown')
    await eventually(() =>
      caller.call({ services: ['who'] }).then(
        () => false,
        () => true,
      ),
    )
    await node.command('release')
    expect(await held).toMatchObject({ text: 'held, released' })
    await down
  })
})
