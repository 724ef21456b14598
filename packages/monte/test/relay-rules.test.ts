import type { Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import type { Link } from '../src/index.ts'
import { circuitScene, listen, RelayScene } from './support/relay-scene.ts'

const OPEN = 0x1a
const RELAY = 0x1b
const CLOSE = 0x1c
const CIRCUIT_WINDOW = 0x1f

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code

describe('a peer that breaks the rules of circuits', () => {
  test('sends more than its credit: the circuit ends, the connection stays', async () => {
    const { scene, toRelay, open, hidden } = await circuitScene()
    const near = listen(await open())
    const far = hidden.links[0] as Link
    const heard = listen(far)
    far.pause()
    for (let i = 0; i < 20; i++)
      toRelay.send(RELAY, (writer) => writer.u32(1).lp16(new Uint8Array(8_192)))
    scene.pass(10)
    expect(String(near.closed[0])).toContain('credit')
    expect(String(heard.closed[0])).toContain('credit')
    expect(toRelay.ended).toBe('open')
  })

  test('gives more credit than there is: the circuit ends', async () => {
    const { scene, toRelay, open } = await circuitScene()
    const near = listen(await open())
    toRelay.send(CIRCUIT_WINDOW, (writer) => writer.u32(1).u32(5))
    scene.pass(10)
    expect(String(near.closed[0])).toContain('credit')
    expect(toRelay.ended).toBe('open')
  })

  test.each([
    [
      'bytes for circuits there are not',
      RELAY,
      (writer: Writer) => writer.u32(77).lp16(new Uint8Array(1)),
    ],
    ['ends of circuits there are not', CLOSE, (writer: Writer) => writer.u32(77).u8(1)],
  ] as const)('%s: a few are in order, a flood is the end', async (_, opcode, write) => {
    const { scene, toRelay } = await circuitScene()
    for (let i = 0; i < 2_000; i++) toRelay.send(opcode, write)
    scene.pass(10)
    expect(toRelay.ended).toBe('open')
    for (let i = 0; i < 200; i++) toRelay.send(opcode, write)
    scene.pass(10)
    expect(codeOf(toRelay.ended)).toBe('FLATEND_MONTE_ENDED')
  })

  test.each([
    ['an empty RELAY', RELAY, (writer: Writer) => writer.u32(1).u16(0)],
    ['a RELAY over 16 KiB', RELAY, (writer: Writer) => writer.u32(1).lp16(new Uint8Array(16_385))],
    [
      'a RELAY with something behind',
      RELAY,
      (writer: Writer) => writer.u32(1).lp16(new Uint8Array(1)).u8(0),
    ],
    [
      'an OPEN without an answer',
      OPEN,
      (writer: Writer) => writer.u32(5).bytes(new Uint8Array(32)),
    ],
  ] as const)('%s ends the connection', async (_, opcode, write) => {
    const { scene, toRelay } = await circuitScene()
    toRelay.send(opcode, write)
    scene.pass(10)
    expect(codeOf(toRelay.ended)).toBe('FLATEND_MONTE_ENDED')
  })

  test.each([0, 2, 1])('an OPEN of circuit %d, which is not its own or taken', async (circuit) => {
    const { scene, toRelay, open, hidden } = await circuitScene()
    await open()
    toRelay.request(
      OPEN,
      (writer) => writer.u32(circuit).bytes(hidden.identity.publicKey),
      () => undefined,
    )
    scene.pass(10)
    expect(codeOf(toRelay.ended)).toBe('FLATEND_MONTE_ENDED')
  })

  test('opens circuits to a node that has no reservation there: it is not reached', async () => {
    const scene = new RelayScene()
    const [liar, node] = [scene.node(1), scene.node(2)]
    const [to] = scene.connect(liar, node)
    const { signal } = new AbortController()
    const opening = liar.circuits.open(to, node.identity.publicKey, { signal })
    await expect(scene.settled(opening)).rejects.toThrow('the node is not there')
    expect(node.links).toEqual([])
  })
})

test('a circuit that ends under a stream of single bytes leaves its connection alone', async () => {
  const { scene, open, hidden, toRelay, fromHidden } = await circuitScene()
  const link = await open()
  listen(link)
  const far = hidden.links[0] as Link
  listen(far)
  for (let i = 0; i < 100_000; i++) link.write([new Uint8Array(1)])
  far.destroy()
  scene.pass(1_000)
  expect([toRelay.ended, fromHidden.ended]).toEqual(['open', 'open'])
})
