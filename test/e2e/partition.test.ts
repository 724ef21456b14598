import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Network, namespacesHere } from '../support/namespaces.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const here = namespacesHere('a network that falls in two')
/** How long it is in two, in seconds. A minute is what it is about; CI has not got as long. */
const PARTITION = Number(process.env['FLATEND_PARTITION_SECONDS'] ?? 11)
/** Calls under way over the cut notice after 5 seconds that nothing comes. */
const NOTICED_MS = 8_000
/** How long a network that is whole again may take to be known whole. */
const HEALED_MS = 10_000

const SEEDS = ['10.0.0.1:9000', '10.0.0.3:9000']

/** Whether a call is answered, soon. */
async function answers(node: RemoteNode, service: string): Promise<string | undefined> {
  try {
    const call = { services: [service], text: 'x', timeoutMs: 2_000 }
    return (await node.call(call)).text
  } catch {
    return undefined
  }
}

test('both halves serve what they have, and are one again within 10 s', async (ctx) => {
  skipUnless(ctx, here)
  const network = new Network()
  network.addSwitch('west')
  network.addSwitch('east')
  network.join('west', 'east')
  const hosts: Readonly<Record<string, number>> = { w1: 1, w2: 2, e1: 3, e2: 4 }
  for (const [name, host] of Object.entries(hosts))
    network.addMachine(name, name.startsWith('w') ? 'west' : 'east', `10.0.0.${host}/24`)
  // A laptop of the west, reached through relays alone.
  network.addBehindRouter('lap', 'west', '10.0.0.9/24')
  const boot = (name: string, services: readonly string[]): Promise<RemoteNode> => {
    const host = hosts[name]
    const place = host === undefined ? {} : { publicAddr: `10.0.0.${host}:9000` }
    return startNode({ ...place, addrs: SEEDS, name, services }, network.on(name))
  }
  const [w1, e1] = [await boot('w1', ['who', 'pipe']), await boot('e1', ['who', 'hello'])]
  const [w2, e2] = [await boot('w2', []), await boot('e2', [])]
  await boot('lap', ['iterate'])
  const whole = async (): Promise<boolean> => {
    const all = [answers(w2, 'hello'), answers(e2, 'pipe'), answers(e2, 'iterate')]
    return (await Promise.all(all)).every((answer) => answer !== undefined)
  }
  await eventually(whole)

  network.cut('west', 'east')
  const began = performance.now()
  const since = (): number => performance.now() - began
  // Until both sides have noticed, calls that went to the other half fail; they are made all the same.
  while (since() < NOTICED_MS) {
    await Promise.all([answers(w2, 'who'), answers(e2, 'who')])
    await sleep(50)
  }
  let calls = 0
  while (since() < PARTITION * 1_000) {
    expect(await Promise.all([answers(w2, 'who'), answers(e2, 'who')])).toEqual(['w1', 'e1'])
    expect(await answers(w2, 'iterate')).toContain('"bytes":1')
    calls++
    await sleep(50)
  }
  expect(calls).toBeGreaterThan(5)
  const apart = [answers(w2, 'hello'), answers(e2, 'pipe'), answers(e2, 'iterate')]
  expect(await Promise.all(apart)).toEqual([undefined, undefined, undefined])

  network.cut('west', 'east', false)
  const healing = performance.now()
  await eventually(whole, { within: HEALED_MS, every: 50 })
  process.stdout.write(
    `partition of ${PARTITION} s: ${calls} rounds of calls in each half, whole again after ${Math.round(performance.now() - healing)} ms\n`,
  )
  for (const node of [w1, e1]) expect(node.process.alive).toBe(true)
})
