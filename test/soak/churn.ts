import { expect } from 'vitest'
import { freePort } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'

/** What was done beside the calls that are counted. */
export interface Done {
  joined: number
  left: number
  crashed: number
  streams: number
  bytes: number
  cancelled: number
  expired: number
}

/** Where a node is that crashes and comes again with another key: one address, dialed for a while. */
let crashing: number | undefined

/** A node joins, calls, is called, and goes: politely, or not. */
export async function joinAndGo(seed: string, politely: boolean, done: Done): Promise<void> {
  crashing ??= await freePort()
  const port = politely ? await freePort() : crashing
  const address = `127.0.0.1:${port}`
  const options = { addrs: [seed], bindAddrs: [address], publicAddr: address, identified: true }
  const node = await startNode({ ...options, services: ['who'], name: 'passer-by', quiet: true })
  done.joined += 1
  for (let i = 0; i < 20; i += 1) {
    const reply = await node.call({ services: ['pipe'], text: `call ${i}` })
    expect(reply.text).toBe(`call ${i}`)
  }
  if (politely) {
    await node.command('shutdown')
    done.left += 1
  } else {
    // In the middle of calls.
    await node.command('ask', { services: ['wait'], text: 'x' })
    done.crashed += 1
  }
  await node.process.stop('SIGKILL')
}

const STREAM = 8_000_000

/** A body both ways at once, checked to the last byte. */
export async function stream(caller: RemoteNode, done: Done): Promise<void> {
  const reply = await caller.call({ services: ['pipe'], bytes: STREAM })
  expect(reply.bytes).toBe(STREAM)
  done.streams += 1
  done.bytes += reply.bytes
}

/** Calls that end before their answer: taken back, or by their deadline. */
export async function cut(caller: RemoteNode, done: Done): Promise<void> {
  const command = { services: ['wait'], count: 10, ms: 30 }
  const { cancelled } = await caller.command('cancel', command)
  expect(cancelled).toBe(10)
  done.cancelled += 10
  const late = caller.call({ services: ['wait'], text: 'x', timeoutMs: 40 })
  await expect(late).rejects.toMatchObject({ kind: 'deadline' })
  done.expired += 1
}
