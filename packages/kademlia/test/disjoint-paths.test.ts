import { Reader, Writer } from '@flatend/wire'
import { describe, expect, test } from 'vitest'
import { writeContacts } from '../src/codec.ts'
import type { Contact, Peer } from '../src/index.ts'
import { type LookupContext, nodesQuery, runLookup } from '../src/lookup-run.ts'
import { RoundTrips } from '../src/round-trips.ts'
import { RoutingTable } from '../src/routing-table.ts'
import { TestClock } from './support/clock.ts'
import { contactOf, names, randomId, seededRandom, sortedByDistance } from './support/ids.ts'

interface Net {
  readonly clock: TestClock
  readonly target: Uint8Array
  readonly nodes: readonly Contact[]
  readonly asked: string[]
  readonly failed: string[]
  readonly context: LookupContext
}

type Answer = (node: Contact) => readonly Contact[] | undefined

/** 120 nodes that each know 40 of the others; `answer` says otherwise, `undefined` is no answer. */
function net(from: number, answer?: (one: Net) => Answer): Net {
  const random = seededRandom(from)
  const clock = new TestClock()
  const table = new RoutingTable(randomId(random))
  const nodes = Array.from({ length: 120 }, (_, i) => contactOf(randomId(random), 9_000 + i))
  const views = new Map(nodes.map((node) => [node, nodes.filter(() => random() < 0.33)]))
  for (const node of nodes.slice(0, 40)) table.seen(node)
  const asked: string[] = []
  const failed: string[] = []
  const peerOf = (node: Contact): Peer => ({
    key: node.key,
    address: node.address,
    version: 2,
    services: [],
    dialed: undefined,
    reply: () => undefined,
    send: () => undefined,
    retire: () => undefined,
    request: (_opcode, _write, onReply) => {
      asked.push(...names([node]))
      const found = say ? say(node) : views.get(node)
      if (!found) return
      const writer = new Writer()
      writeContacts(writer, sortedByDistance(found, one.target).slice(0, 16))
      clock.schedule(1 + random() * 50, () => onReply(0, new Reader(writer.copy())))
    },
  })
  const peers = new Map(nodes.map((node) => [names([node])[0], peerOf(node)]))
  const context: LookupContext = {
    table,
    clock,
    trips: new RoundTrips(),
    dials: new RoundTrips(),
    connection: (key) => peers.get(Buffer.from(key).toString('hex')),
    connect: () => Promise.reject(new Error('nobody there')),
    failed: (key) => failed.push(Buffer.from(key).toString('hex')),
  }
  const one: Net = { clock, target: randomId(random), nodes, asked, failed, context }
  const say = answer?.(one)
  return one
}

async function search(one: Net, paths: number): Promise<string[]> {
  const { signal } = new AbortController()
  const result = runLookup(one.context, nodesQuery(one.target), { signal, paths })
  await one.clock.advance(120_000)
  return names((await result).slice(0, 16))
}

describe('disjoint paths', () => {
  test.each([1, 2, 4, 8, 16])('%i find the nearest, nobody is asked twice', async (paths) => {
    const one = net(paths)
    const found = await search(one, paths)
    expect(found).toEqual(names(sortedByDistance(one.nodes, one.target).slice(0, 16)))
    expect(new Set(one.asked).size).toBe(one.asked.length)
    expect(one.asked.length).toBeGreaterThanOrEqual(16)
  })

  test('who fails on one path is nobody on the others, and the next nearest take the place', async () => {
    const one = net(3, ({ nodes, target }) => {
      const dead = new Set(sortedByDistance(nodes, target).slice(0, 8))
      return (node) => (dead.has(node) ? undefined : nodes)
    })
    const found = await search(one, 4)
    // Everybody names the same 16, of whom 8 are dead.
    expect(found).toHaveLength(16)
    expect(found.slice(0, 8)).toEqual(names(sortedByDistance(one.nodes, one.target).slice(8, 16)))
    expect(one.failed.toSorted()).toEqual(
      names(sortedByDistance(one.nodes, one.target).slice(0, 8)).toSorted(),
    )
  })

  test('a lie on one path is not spread to the others', async () => {
    // The nearest of the start names nobody but 16 that are nearer than all and never answer.
    const one = net(5, ({ nodes, target, context }) => {
      const [liar] = context.table.closest(target, 1)
      const lies = Array.from({ length: 16 }, (_, i) => {
        const key = new Uint8Array(target)
        key[31] = (key[31] as number) ^ (i + 1)
        return contactOf(key)
      })
      return (node) => (node.key === liar?.key ? lies : nodes)
    })
    const found = await search(one, 4)
    expect(found).toEqual(names(sortedByDistance(one.nodes, one.target).slice(0, 16)))
    expect(one.failed).toHaveLength(16)
  })

  test('so many as there are, from 1 to 16', () => {
    const { signal } = new AbortController()
    const one = net(1)
    for (const paths of [0, 17, 1.5, Number.NaN]) {
      expect(() => runLookup(one.context, nodesQuery(one.target), { signal, paths })).toThrow(
        RangeError,
      )
    }
  })
})
