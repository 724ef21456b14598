import { Reader, Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { linkContract } from '../src/contract/index.ts'
import { type Channel, type Hello, type Link, openChannel } from '../src/index.ts'
import type { RelayLimits } from '../src/relay/index.ts'
import { nodeSuite } from '../src/suite/node.ts'
import { carries, circuitScene, listen, RelayScene, type SceneNode } from './support/relay-scene.ts'

const WINDOW = 131_072

const limits = (some: Partial<RelayLimits>) => ({ limits: some })
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code

/** A scene of the contract. */
async function make() {
  const { scene, hidden, open } = await circuitScene()
  const near = await open()
  const [far] = hidden.links as [Link]
  return { near, far, turn: async () => scene.pass(1) }
}

describe('a circuit over a relay is a link', () => {
  test.each(linkContract.map((one) => [one.name, one] as const))('%s', async (_, { run }) => {
    await expect(run(make)).resolves.toBeUndefined()
  })
})

/** A session inside a circuit. */
function session(
  scene: RelayScene,
  link: Link,
  options: { readonly node: SceneNode; readonly expectedKey?: Uint8Array },
) {
  const { node, expectedKey } = options
  const heard: { hello: Hello | undefined; texts: string[]; closed: Error | undefined | 'open' } = {
    hello: undefined,
    texts: [],
    closed: 'open',
  }
  const channel: Channel = openChannel({
    link,
    role: expectedKey ? 'dialer' : 'listener',
    suite: nodeSuite,
    identity: node.identity,
    hello: { ephemeral: false, services: [], metadata: [], instance: 2 },
    clock: scene.clock,
    defer: scene.defer,
    ...(expectedKey ? { expectedKey } : {}),
    receiver: {
      onOpen: (hello) => {
        heard.hello = hello
      },
      onDrain: () => undefined,
      onMessage: (_seq, _opcode, body) => heard.texts.push(new TextDecoder().decode(body.rest())),
      onClose: (error) => {
        heard.closed = error
      },
    },
  })
  return { channel, heard }
}

const SECRET = 'nobody in between reads this'

describe('what a relay can do', () => {
  test('it carries the session of two others, and sees nothing of it', async () => {
    const seen: number[] = []
    const { scene, caller, hidden, relay, open } = await circuitScene({}, (message) => {
      if (carries(message)) {
        const { body } = message
        const copy = body.rest()
        seen.push(...copy)
        return { ...message, body: new Reader(copy) }
      }
      return message
    })
    const near = session(scene, await open(), {
      node: caller,
      expectedKey: hidden.identity.publicKey,
    })
    const far = session(scene, hidden.links[0] as Link, { node: hidden })
    scene.pass(20)
    expect(far.heard.hello?.publicKey).toEqual(caller.identity.publicKey)
    expect(near.heard.hello?.publicKey).toEqual(hidden.identity.publicKey)
    near.channel.begin(0, 50).text(SECRET)
    near.channel.end()
    scene.pass(20)
    expect(far.heard.texts).toEqual([SECRET])
    const text = Buffer.from(seen).toString('latin1')
    expect(seen.length).toBeGreaterThan(200)
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(Buffer.from(caller.identity.publicKey).toString('latin1'))
    expect(relay.circuits.metrics).toMatchObject({ reservations: 1, circuits: 1, opened: 1 })
    near.channel.close()
    scene.pass(20)
    expect([near.heard.closed, far.heard.closed]).toEqual([undefined, undefined])
    expect(relay.circuits.metrics).toMatchObject({ circuits: 0 })
  })

  test('it cannot be somebody else: whoever it connects has another key', async () => {
    const { scene, caller, hidden, relay, open } = await circuitScene()
    const link = await open()
    // The relay answers itself, as the liar it is.
    const near = session(scene, link, { node: caller, expectedKey: hidden.identity.publicKey })
    const liar = session(scene, hidden.links[0] as Link, { node: relay })
    scene.pass(20)
    expect(codeOf(near.heard.closed)).toBe('FLATEND_MONTE_PINNED')
    expect(liar.heard.hello).toBeUndefined()
  })

  test.each([
    ['altered', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte))],
    ['dropped', (bytes: Uint8Array) => bytes.subarray(1)],
  ] as const)('bytes that are %s break the session and nothing else', async (_, change) => {
    let spoil = false
    const { scene, caller, hidden, toRelay, open } = await circuitScene({}, (message) => {
      if (!spoil || !carries(message)) return message
      const circuit = message.body.u32()
      const bytes = change(message.body.lp16())
      const body = new Writer().u32(circuit).lp16(bytes).copy()
      return { ...message, body: new Reader(body) }
    })
    const near = session(scene, await open(), {
      node: caller,
      expectedKey: hidden.identity.publicKey,
    })
    const far = session(scene, hidden.links[0] as Link, { node: hidden })
    scene.pass(20)
    spoil = true
    near.channel.begin(0, 50).text(SECRET)
    near.channel.end()
    scene.pass(60_000)
    expect(far.heard.texts).toEqual([])
    expect(far.heard.closed).toBeInstanceOf(Error)
    expect(near.heard.closed).toBeInstanceOf(Error)
    expect(toRelay.ended).toBe('open')
  })
})

test('connections that circuits and reservations need are no idle ones', async () => {
  const { scene, open, caller, relay, hidden, toRelay, fromHidden, atRelay } = await circuitScene()
  const used = (): boolean[] => [
    caller.circuits.uses(toRelay),
    hidden.circuits.uses(fromHidden),
    relay.circuits.uses(atRelay),
  ]
  expect(used()).toEqual([false, true, false])
  const link = await open()
  expect(used()).toEqual([true, true, true])
  link.destroy()
  hidden.circuits.reserve(fromHidden, 0, () => undefined)
  scene.pass(5)
  expect(used()).toEqual([false, false, false])
})

describe('a relay', () => {
  test('refuses what it does not do, in words', async () => {
    const { scene, open, hidden, fromHidden, relay } = await circuitScene()
    await expect(open(new Uint8Array(32).fill(9))).rejects.toMatchObject({
      code: 'FLATEND_MONTE_RELAY_REFUSED',
      message: expect.stringContaining('the node is not there') as string,
    })
    hidden.circuits.reserve(fromHidden, 0, () => undefined)
    scene.pass(5)
    await expect(open()).rejects.toThrow('the node is not there')
    expect(relay.circuits.metrics).toMatchObject({ reservations: 0, refused: 2 })
    const plain = scene.node(7)
    const [to] = scene.connect(hidden, plain)
    let answer: unknown = 'none'
    hidden.circuits.reserve(to, 60, (given) => {
      answer = given
    })
    scene.pass(5)
    expect(answer).toBeUndefined()
  })

  test('keeps a promise for as long as it gave it', async () => {
    const { scene, open, reserved, relay } = await circuitScene(limits({ reservationSeconds: 60 }))
    expect(reserved).toEqual({ ttl: 60, maxCircuits: 32 })
    scene.pass(59_000)
    expect(relay.circuits.metrics.reservations).toBe(1)
    await expect(open()).resolves.toBeDefined()
    scene.pass(1_100)
    expect(relay.circuits.metrics.reservations).toBe(0)
    await expect(open()).rejects.toThrow('the node is not there')
  })

  test('serves nobody who is relayed himself', async () => {
    const { scene, relay, atRelay, hidden, fromHidden } = await circuitScene()
    atRelay.relayed = true
    let answer: unknown = 'none'
    hidden.circuits.reserve(fromHidden, 60, (given) => {
      answer = given
    })
    scene.pass(5)
    expect(answer).toBeUndefined()
    expect(relay.circuits.metrics.refused).toBe(1)
    const { signal } = new AbortController()
    const opening = hidden.circuits.open(fromHidden, new Uint8Array(32), { signal })
    await expect(scene.settled(opening)).rejects.toThrow('relayed themselves')
  })

  test('has a number of reservations', async () => {
    const scene = new RelayScene()
    const relay = scene.node(1, { relay: true, limits: { maxReservations: 3 } })
    const answers: unknown[] = []
    for (let i = 0; i < 5; i++) {
      const node = scene.node(10 + i)
      const [to] = scene.connect(node, relay)
      node.circuits.reserve(to, 60, (given) => answers.push(given !== undefined))
      scene.pass(5)
    }
    expect(answers).toEqual([true, true, true, false, false])
  })

  test('has a number of circuits, of one connection and in all', async () => {
    const few = await circuitScene(limits({ maxCircuitsPerPeer: 2 }))
    const first = await few.open()
    await few.open()
    await expect(few.open()).rejects.toThrow('as many circuits as it takes')
    first.destroy()
    few.scene.pass(5)
    await expect(few.open()).resolves.toBeDefined()
    const all = await circuitScene(limits({ maxCircuits: 1 }))
    await all.open()
    await expect(all.open()).rejects.toThrow('as many circuits as it takes')
  })

  test('answers no flood of questions', async () => {
    const { scene, hidden, fromHidden } = await circuitScene()
    let given = 0
    for (let i = 0; i < 1_000; i++)
      hidden.circuits.reserve(fromHidden, 60, (answer) => {
        if (answer) given++
      })
    scene.pass(50)
    expect(given).toBeGreaterThan(100)
    expect(given).toBeLessThan(140)
  })

  test('ends a circuit that carried too much, or was open too long, and says so', async () => {
    const much = await circuitScene(limits({ maxCircuitBytes: 1_000 }))
    const heard = listen(await much.open())
    const far = listen(much.hidden.links[0] as Link)
    const [link] = [much.hidden.links[0] as Link]
    link.write([new Uint8Array(900)])
    link.write([new Uint8Array(200)])
    much.scene.pass(10)
    for (const { closed } of [heard, far]) expect(String(closed[0])).toContain('as many bytes')
    expect(heard.bytes.length).toBe(900)
    const long = await circuitScene(limits({ maxCircuitMs: 5_000 }))
    const near = listen(await long.open())
    long.scene.pass(4_900)
    expect(near.closed).toEqual([])
    long.scene.pass(200)
    expect(codeOf(near.closed[0])).toBe('FLATEND_MONTE_CIRCUIT')
    expect(long.relay.circuits.metrics.circuits).toBe(0)
  })

  test('ends the circuits of a connection that is gone, at the other end too', async () => {
    const { scene, open, atRelay, relay, hidden } = await circuitScene()
    const near = listen(await open())
    const far = listen(hidden.links[0] as Link)
    atRelay.channel.destroy()
    scene.pass(10)
    expect(near.closed[0]).toMatchObject({ code: 'FLATEND_MONTE_CIRCUIT' })
    expect(far.closed.length).toBe(1)
    expect(relay.circuits.metrics).toMatchObject({ circuits: 0, reservations: 0 })
  })

  test('holds no more than was asked for where nobody reads', async () => {
    const { scene, open, hidden, atRelay } = await circuitScene()
    const link = await open()
    const near = listen(link)
    const far = hidden.links[0] as Link
    const heard = listen(far)
    scene.pass(5)
    far.pause()
    expect(link.write([new Uint8Array(10 * WINDOW)])).toBe(false)
    scene.pass(1_000)
    expect(heard.bytes.length).toBe(0)
    expect(atRelay.channel.queued).toBe(0)
    expect(near.drains).toBe(0)
    far.resume()
    scene.pass(1_000)
    expect(heard.bytes.length).toBe(10 * WINDOW)
    expect(near.drains).toBe(1)
  })
})

describe('opening a circuit', () => {
  test('can be given up, and leaves nothing behind', async () => {
    const { scene, caller, toRelay, hidden, relay } = await circuitScene()
    const abort = new AbortController()
    const opening = caller.circuits.open(toRelay, hidden.identity.publicKey, abort)
    abort.abort(new Error('never mind'))
    await expect(scene.settled(opening)).rejects.toThrow('never mind')
    scene.pass(50)
    expect(relay.circuits.metrics.circuits).toBe(0)
  })

  test('fails where the relay goes', async () => {
    const { scene, caller, toRelay, hidden, atRelay } = await circuitScene()
    const { signal } = new AbortController()
    const opening = caller.circuits.open(toRelay, hidden.identity.publicKey, { signal })
    toRelay.channel.destroy()
    await expect(scene.settled(opening)).rejects.toThrow('did not answer')
    expect(atRelay.ended).toBe('open')
  })
})
