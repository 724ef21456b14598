import { Node } from '@flatend/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { curl } from '../support/curl.ts'
import { gatewayForTest, routes } from '../support/gateway.ts'
import { pattern, patternHash } from '../support/pattern.cjs'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

const SIZE = 10_000_000
const SERVICES = ['hello', 'pipe', 'big', 'show', 'collect'] as const
const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

/** What both sides of every pairing must be able to do. */
async function expectCallsWork(caller: RemoteNode): Promise<void> {
  expect(await caller.call({ services: ['hello'] })).toMatchObject({ text: 'Hello world!' })
  expect(await caller.call({ services: ['none', 'hello'] })).toMatchObject({ text: 'Hello world!' })
  expect(await caller.call({ services: ['pipe'], text: 'some text' })).toMatchObject({
    text: 'some text',
  })
  expect(await caller.call({ services: ['pipe'], text: '' })).toMatchObject({ bytes: 0 })

  const sha1 = patternHash(SIZE)
  const big = await caller.call({ services: ['big'], headers: { bytes: String(SIZE) } })
  expect(big).toMatchObject({ bytes: SIZE, sha1 })
  const collected = await caller.call({ services: ['collect'], bytes: SIZE })
  expect(JSON.parse(collected.text ?? '')).toEqual({ bytes: SIZE, sha1 })
  expect(await caller.call({ services: ['pipe'], bytes: SIZE })).toMatchObject({
    bytes: SIZE,
    sha1,
  })

  const many = Array.from({ length: 50 }, (_, i) =>
    caller.call({ services: ['pipe'], text: `call ${i}` }),
  )
  expect((await Promise.all(many)).map(({ text }) => text)).toEqual(many.map((_, i) => `call ${i}`))
}

describe('flatend@0.0.8 and our node', { timeout: 60_000 }, () => {
  test.each([false, true])('it dials and calls ours; identified: %s', async (identified) => {
    const address = await freeAddress()
    const ours = await startNode({
      legacy: true,
      identified: true,
      publicAddr: address,
      services: SERVICES,
    })
    const old = await startNode({
      sdk: '2020',
      identified,
      ...(identified ? { bindAddrs: [await freeAddress()] } : {}),
      addrs: [address],
    })
    await expectCallsWork(old)
    expect(ours.process.alive).toBe(true)
  })

  test.each([false, true])(
    'ours calls it where it dialed us; identified: %s',
    async (identified) => {
      const address = await freeAddress()
      const ours = await startNode({ legacy: true, identified: true, publicAddr: address })
      await startNode({
        sdk: '2020',
        identified,
        ...(identified ? { bindAddrs: [await freeAddress()] } : {}),
        addrs: [address],
        services: SERVICES,
      })
      await expectCallsWork(ours)
      expect(ours.process.alive).toBe(true)
    },
  )

  test('ours dials it and calls it', async () => {
    const address = await freeAddress()
    await startNode({ sdk: '2020', identified: true, publicAddr: address, services: SERVICES })
    // Without an address it has no identity in the protocol of 2020, and calls nobody by it.
    const publicAddr = await freeAddress()
    const ours = await startNode({ legacy: true, publicAddr, addrs: [address] })
    await expectCallsWork(ours)
    expect(ours.process.alive).toBe(true)
  })

  test('ours dials it and is called by it', async () => {
    const address = await freeAddress()
    const old = await startNode({ sdk: '2020', identified: true, publicAddr: address })
    const ours = await startNode({ legacy: true, addrs: [address], services: SERVICES })
    await expectCallsWork(old)
    expect(ours.process.alive).toBe(true)
  })

  test('both call each other over one connection at once', async () => {
    const address = await freeAddress()
    const ours = await startNode({
      legacy: true,
      identified: true,
      publicAddr: address,
      services: ['pipe', 'show'],
    })
    const old = await startNode({ sdk: '2020', addrs: [address], services: ['collect', 'big'] })
    const sha1 = patternHash(SIZE)
    const [piped, collected, big] = await Promise.all([
      old.call({ services: ['pipe'], bytes: SIZE }),
      ours.call({ services: ['collect'], bytes: SIZE }),
      ours.call({ services: ['big'], headers: { bytes: String(SIZE) } }),
    ])
    expect(piped).toMatchObject({ bytes: SIZE, sha1 })
    expect(JSON.parse(collected.text ?? '')).toEqual({ bytes: SIZE, sha1 })
    expect(big).toMatchObject({ bytes: SIZE, sha1 })
  })

  test('headers come through in both directions', async () => {
    const address = await freeAddress()
    const ours = await startNode({
      legacy: true,
      identified: true,
      publicAddr: address,
      services: ['show'],
    })
    const old = await startNode({ sdk: '2020', addrs: [address], services: ['hello'] })
    const shown = JSON.parse(
      (await old.call({ services: ['show'], headers: { a: 'b', c: 'd' } })).text ?? '',
    ) as object
    expect(shown).toMatchObject({ headers: { a: 'b', c: 'd' } })
    expect(ours.process.alive).toBe(true)
  })

  test('a header set too large for it is a clear error of the call, and nothing breaks', async () => {
    const address = await freeAddress()
    const ours = await Node.start({ legacy: true, publicAddr: address })
    onTestFinished(() => ours.shutdown({ timeoutMs: 0 }))
    await startNode({ sdk: '2020', addrs: [address], services: ['hello', 'show'] })
    await eventually(() => ours.peers().length === 1)
    const large = { 'x-large': 'x'.repeat(8_000) }
    await expect(ours.call('hello', '', { headers: large })).rejects.toMatchObject({
      kind: 'too-large',
      message: expect.stringMatching(/header/i),
    })
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'.repeat(60)]),
    )
    await expect(ours.call('hello', '', { headers: many })).rejects.toThrow(/header/i)
    expect(await (await ours.call('hello')).text()).toBe('Hello world!')
  })

  test('values that are not ASCII reach it', async () => {
    const address = await freeAddress()
    const ours = await Node.start({ legacy: true, publicAddr: address })
    onTestFinished(() => ours.shutdown({ timeoutMs: 0 }))
    await startNode({ sdk: '2020', addrs: [address], services: ['show'] })
    await eventually(() => ours.peers().length === 1)
    const reply = await ours.call('show', '', { headers: { name: 'Grüße, 世界' } })
    // Its answer's own header lengths count UTF-16 units, so only the body is certain.
    expect(await reply.json()).toMatchObject({ name: 'Grüße, 世界' })
  })

  test('the 2020 form of a call streams both ways', async () => {
    const address = await freeAddress()
    const ours = await Node.start({ legacy: true, publicAddr: address })
    onTestFinished(() => ours.shutdown({ timeoutMs: 0 }))
    await startNode({ sdk: '2020', addrs: [address], services: ['pipe'] })
    await eventually(() => ours.peers().length === 1)
    const reply = await ours.push(['pipe'], { a: 'b' }, pattern(100_000))
    expect((await reply.bytes()).length).toBe(100_000)
  })

  test('without legacy it is refused, in words, and our node lives', async () => {
    const address = await freeAddress()
    const old = await startNode({
      sdk: '2020',
      identified: true,
      publicAddr: address,
      services: ['hello'],
    })
    const ours = await startNode({ addrs: [address] })
    await ours.process.line(/legacy/)
    await expect(ours.call({ services: ['hello'] })).rejects.toThrow(/hello/)
    expect(old.process.alive && ours.process.alive).toBe(true)
  })
})

const join = async (address: string, i: number): Promise<RemoteNode> =>
  startNode({
    sdk: '2020',
    identified: true,
    publicAddr: await freeAddress(),
    addrs: [address],
    services: i === 0 ? ['hello'] : [],
  })

describe('nodes of 2020 that join through ours', { timeout: 60_000 }, () => {
  test('four with keys, one after the other: each finishes, and is known', async () => {
    const address = await freeAddress()
    const ours = await startNode({ legacy: true, identified: true, publicAddr: address })
    for (let i = 0; i < 4; i += 1) await join(address, i)
    const { peers } = (await ours.command('peers')) as { readonly peers: readonly unknown[] }
    expect(peers).toHaveLength(4)
    expect(await ours.call({ services: ['hello'] })).toMatchObject({ text: 'Hello world!' })
  })

  test('four at once', async () => {
    const address = await freeAddress()
    const ours = await startNode({ legacy: true, identified: true, publicAddr: address })
    await Promise.all([0, 1, 2, 3].map((i) => join(address, i)))
    expect(await ours.call({ services: ['hello'] })).toMatchObject({ text: 'Hello world!' })
  })

  test('four through our gateway', async () => {
    const gateway = await gatewayForTest({
      config: routes(['GET /hello', 'hello']),
      args: ['--legacy'],
    })
    const nodes = [0, 1, 2, 3].map((i) => join(gateway.mesh, i))
    for (const node of await Promise.all(nodes)) expect(node.process.alive).toBe(true)
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200, body: 'Hello world!' })
  })
})
