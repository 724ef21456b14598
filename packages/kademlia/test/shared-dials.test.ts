import { describe, expect, test } from 'vitest'
import type { DialTarget, Peer } from '../src/index.ts'
import { SharedDials } from '../src/shared-dials.ts'
import { ScriptedPeer } from './support/scripted-peer.ts'

interface Made {
  readonly target: DialTarget
  readonly signal: AbortSignal
  readonly resolve: (peer: Peer) => void
  readonly reject: (error: Error) => void
}

/** A network whose dials end when the test says so. */
function network(): { readonly shared: SharedDials; readonly made: Made[] } {
  const made: Made[] = []
  const shared = new SharedDials({
    connect: (target, { signal }) =>
      new Promise((resolve, reject) => {
        made.push({ target, signal, resolve, reject })
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  })
  return { shared, made }
}

const TARGET = { address: '10.0.0.1:9000', key: new Uint8Array(32).fill(1) }
const peer = (): ScriptedPeer => new ScriptedPeer({ key: TARGET.key })
const never = (): { readonly signal: AbortSignal } => new AbortController()

describe('dials of one node', () => {
  test('to the same address and key are one while it lasts, and another afterwards', async () => {
    const { shared, made } = network()
    const both = [shared.connect(TARGET, never()), shared.connect(TARGET, never())]
    expect(made.map(({ target }) => target)).toEqual([TARGET])
    const one = peer()
    made[0]?.resolve(one)
    expect(await Promise.all(both)).toEqual([one, one])
    void shared.connect(TARGET, never())
    expect(made).toHaveLength(2)
  })

  test('to another key, or to whoever is there, are others', () => {
    const { shared, made } = network()
    void shared.connect(TARGET, never())
    void shared.connect({ address: TARGET.address }, never())
    void shared.connect({ ...TARGET, key: new Uint8Array(32) }, never())
    expect(made).toHaveLength(3)
  })

  test('fail for all who wait', async () => {
    const { shared, made } = network()
    const both = [shared.connect(TARGET, never()), shared.connect(TARGET, never())]
    made[0]?.reject(new Error('refused'))
    for (const dial of both) await expect(dial).rejects.toThrow('refused')
  })

  test('end when the last who waits gives up, each with its own reason', async () => {
    const { shared, made } = network()
    const [one, other] = [new AbortController(), new AbortController()]
    const dials = [shared.connect(TARGET, one), shared.connect(TARGET, other)]
    one.abort(new Error('one'))
    await expect(dials[0]).rejects.toThrow('one')
    expect(made[0]?.signal.aborted).toBe(false)
    other.abort(new Error('other'))
    await expect(dials[1]).rejects.toThrow('other')
    expect(made[0]?.signal.aborted).toBe(true)
    // Who comes now is not given what was given up.
    void shared.connect(TARGET, never())
    expect(made).toHaveLength(2)
    await expect(shared.connect(TARGET, { signal: one.signal })).rejects.toThrow('one')
  })

  test('stay open when somebody who waited is done with it', async () => {
    const { shared, made } = network()
    const one = new AbortController()
    const dial = shared.connect(TARGET, one)
    made[0]?.resolve(peer())
    await dial
    one.abort(new Error('later'))
    expect(made[0]?.signal.aborted).toBe(false)
  })
})
