import { Agent, request } from 'node:https'
import { onTestFinished } from 'vitest'

/** What came of a load. */
export interface LoadCounts {
  readonly answered: number
  readonly failures: readonly string[]
}

/**
 * Requests of several clients, one after the other of each, until it is told to stop: the first over
 * one connection, the others over a new one each time.
 */
export function httpsLoad(port: number, hosts: readonly string[]): () => Promise<LoadCounts> {
  const counts = { answered: 0, failures: [] as string[] }
  const state = { running: true }
  const kept = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  onTestFinished(() => {
    state.running = false
    kept.destroy()
  })
  const ask = (agent: Agent | false, servername: string): Promise<void> =>
    new Promise((resolve) => {
      const options = { port, host: '127.0.0.1', agent, servername, rejectUnauthorized: false }
      const sent = request(options, (response) => {
        response.resume().once('end', () => {
          counts.answered++
          resolve()
        })
      })
      sent.once('error', (error) => {
        counts.failures.push(error.message)
        resolve()
      })
      sent.end()
    })
  const client = async (index: number): Promise<void> => {
    for (let i = 0; state.running && counts.failures.length < 5; i++) {
      await ask(index === 0 ? kept : false, hosts[i % hosts.length] as string)
    }
  }
  const clients = Array.from({ length: 4 }, (_, index) => client(index))
  return async () => {
    state.running = false
    await Promise.all(clients)
    return counts
  }
}
