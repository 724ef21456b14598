import { createVirtualClock, seededRandom } from '@flatend/monte/memory'
import { nodeSuite } from '@flatend/monte/suite/node'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Node, type NodeOptions } from '../src/index.ts'
import { type LanContext, LanDiscovery, networkTag } from '../src/lan/lan-discovery.ts'
import { readLanMessage, writeLanMessage } from '../src/lan/lan-message.ts'
import { checkLan, lanInterfaces, openLanSocket } from '../src/lan/lan-sockets.ts'
import { recordingLog } from './support/log.ts'

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const tagOf = (network: string, networkKey?: Uint8Array): Uint8Array =>
  networkTag(nodeSuite, { network, ...(networkKey ? { networkKey } : {}) })

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

async function start(options: NodeOptions): Promise<Node> {
  const node = await Node.start({ bindAddrs: ['127.0.0.1:0'], ...options })
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  return node
}

describe('what is said on the local network', () => {
  const message = fc.record({
    tag: bytes(16),
    key: bytes(32),
    port: fc.integer({ min: 0, max: 65_535 }),
    asks: fc.boolean(),
  })

  test('is read as it was written, and not where anything is missing or more', () => {
    fc.assert(
      fc.property(message, (said) => {
        const written = writeLanMessage(said)
        expect(readLanMessage(written)).toEqual(said)
        for (let cut = 0; cut < written.length; cut++)
          expect(readLanMessage(written.subarray(0, cut))).toBeUndefined()
        expect(readLanMessage(Uint8Array.of(...written, 0))).toBeUndefined()
        expect(readLanMessage(written.with(4, 2))).toBeUndefined()
      }),
    )
  })

  test('anything else is nothing, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
        expect(readLanMessage(garbage)).toBeUndefined()
      }),
    )
  })

  test('a network is told by 16 bytes, others with a key than without', () => {
    const tags = [tagOf('a'), tagOf('b'), tagOf('a', key(1)), tagOf('a', key(2)), tagOf('')]
    expect(new Set(tags.map((tag) => Buffer.from(tag).toString('hex'))).size).toBe(5)
    expect(tags.every(({ length }) => length === 16)).toBe(true)
  })
})

/** A cable with nodes on it, in virtual time. */
function cable() {
  const clock = createVirtualClock()
  const random = seededRandom(1)
  const nodes: { readonly lan: LanDiscovery; readonly host: string }[] = []
  const said: string[] = []
  const join = (n: number, options: Partial<LanContext> = {}) => {
    const suggested: string[] = []
    const host = `10.0.0.${n}`
    const lan = new LanDiscovery({
      clock,
      random,
      key: key(n),
      port: 9_000 + n,
      tag: tagOf('home'),
      isConnected: () => false,
      suggest: ({ address, key: [first] }) => void suggested.push(`${first}@${address}`),
      ...options,
    })
    nodes.push({ lan, host })
    const socket = {
      send: (datagram: Uint8Array) => {
        said.push(host)
        for (const other of nodes) other.lan.receive(datagram, host)
      },
      close: () => undefined,
    }
    lan.start([socket])
    return { lan, suggested, host }
  }
  return { clock, join, said }
}

describe('nodes on one cable', () => {
  test('find each other, whoever came first, and who only looks finds those that can be dialed', () => {
    const { clock, join } = cable()
    const first = join(1)
    clock.advance(10_000)
    const second = join(2)
    const looks = join(3, { port: 0 })
    clock.advance(2_000)
    expect(first.suggested).toEqual(['2@10.0.0.2:9002'])
    expect(second.suggested).toEqual(['1@10.0.0.1:9001'])
    expect(looks.suggested.toSorted()).toEqual(['1@10.0.0.1:9001', '2@10.0.0.2:9002'])
  })

  test('another network, with another name or key, is not disturbed', () => {
    const { clock, join } = cable()
    const home = join(1)
    const others = [join(2, { tag: tagOf('away') }), join(3, { tag: tagOf('home', key(9)) })]
    clock.advance(60_000)
    expect([home, ...others].flatMap(({ suggested }) => suggested)).toEqual([])
  })

  test('who is connected is not suggested; who is not, once a minute', () => {
    const { clock, join } = cable()
    const connected = join(1, { isConnected: () => true })
    const waiting = join(2)
    join(3)
    clock.advance(50_000)
    expect(connected.suggested).toEqual([])
    expect(waiting.suggested.toSorted()).toEqual(['1@10.0.0.1:9001', '3@10.0.0.3:9003'])
    clock.advance(60_000)
    expect(waiting.suggested).toHaveLength(4)
  })

  test('an answer is given once a second at most, however many ask', () => {
    const { clock, join, said } = cable()
    const node = join(1)
    clock.advance(20_000)
    const before = said.length
    const ask = writeLanMessage({ tag: tagOf('home'), key: key(7), port: 0, asks: true })
    for (let i = 0; i < 1_000; i++) {
      node.lan.receive(ask, '10.0.0.7')
      clock.advance(5)
    }
    expect(said.length - before).toBeLessThanOrEqual(6)
    expect(said.length - before).toBeGreaterThan(2)
  })

  test('a liar can have no more than 32 addresses dialed at once and 2 a second', () => {
    const { clock, join } = cable()
    const node = join(1)
    const lie = (from: number): void => {
      for (let i = 0; i < 5_000; i++) {
        const liar = new Uint8Array(32)
        new DataView(liar.buffer).setUint32(0, from + i)
        node.lan.receive(
          writeLanMessage({ tag: tagOf('home'), key: liar, port: 1, asks: false }),
          '10.0.0.66',
        )
      }
    }
    lie(1)
    expect(node.suggested).toHaveLength(32)
    clock.advance(10_000)
    lie(10_000)
    expect(node.suggested).toHaveLength(52)
  })

  test('says nothing once it is stopped', () => {
    const { clock, join, said } = cable()
    const { lan } = join(1)
    lan.stop()
    const before = said.length
    clock.advance(300_000)
    expect(said.length).toBe(before)
  })
})

test('options that cannot be used are refused, interfaces chosen', () => {
  for (const options of [
    { interface: 'eth0' },
    { interface: '::1' },
    { group: '224.0.0.251' },
    { group: '10.0.0.1' },
    { port: 0 },
    { port: 70_000 },
  ])
    expect(() => checkLan(options)).toThrow(/^lan: /)
  checkLan({ interface: '192.168.1.5', group: '239.1.2.3', port: 5_000 })
  const bound = { host: '127.0.0.1', port: 1 }
  expect(lanInterfaces({ interface: '192.168.1.5' }, bound)).toEqual(['192.168.1.5'])
  expect(lanInterfaces({}, bound)).toEqual(['127.0.0.1'])
  for (const any of [undefined, { host: '::', port: 1 }, { host: '0.0.0.0', port: 1 }])
    expect(lanInterfaces({}, any)).not.toContain('127.0.0.1')
})

/** Whether this machine lets multicast over loopback through, which containers may forbid. */
async function multicastWorks(): Promise<string | undefined> {
  try {
    const heard = { bytes: 0 }
    const socket = await openLanSocket({
      options: { port: 17_076 },
      host: '127.0.0.1',
      onMessage: ({ length }) => {
        heard.bytes = length
      },
      onError: () => undefined,
    })
    for (let tries = 0; tries < 50 && heard.bytes === 0; tries++) {
      socket.send(Uint8Array.of(1, 2, 3))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    socket.close()
    return heard.bytes === 3 ? undefined : 'what is sent does not come back'
  } catch (error) {
    return (error as Error).message
  }
}

const obstacle = await multicastWorks()

describe('over sockets, on loopback', () => {
  test('nodes that know no address meet, those of another network do not, and it is off by default', async ({
    skip,
  }) => {
    if (obstacle !== undefined)
      skip(`discovery on the local network: multicast does not work on loopback here (${obstacle})`)
    const lan = { port: 17_077 }
    const first = await start({ lan, network: 'home', services: { hello: () => 'from the cable' } })
    const stranger = await start({ lan, network: 'away' })
    const deaf = await start({ network: 'home' })
    const second = await start({ lan, network: 'home' })
    const client = await start({
      lan: { ...lan, interface: '127.0.0.1' },
      network: 'home',
      bindAddrs: [],
    })
    while (second.peers().length < 1 || client.peers().length < 2)
      await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await (await client.call('hello')).text()).toBe('from the cable')
    const keys = second.peers().map(({ id }) => id.toString())
    expect(keys).toContain(first.id.toString())
    expect(stranger.peers()).toEqual([])
    expect(deaf.peers()).toEqual([])
  })

  test('where it does not work the node goes on without, and says so', async () => {
    const logger = recordingLog()
    // No interface of this machine has an address of the range for documentation (RFC 5737).
    const node = await start({ lan: { interface: '192.0.2.1', port: 17_078 }, logger })
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        interface: '192.0.2.1',
        message: 'nodes of the local network cannot be looked for here',
      }),
    )
    expect(node.listening).toHaveLength(1)
  })
})
