import { Agent, request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { bytes, DRIVERS, run } from './bench.ts'
import { A_CERTIFICATE, A_KEY, B_CERTIFICATE, B_KEY } from './fixtures.ts'

const SWAPS = 90
const A = { names: [], certificate: A_CERTIFICATE, key: A_KEY }
const B = { names: [], certificate: B_CERTIFICATE, key: B_KEY }

describe.each(DRIVERS)('certificates are replaced under load, driver %s', (name) => {
  test(`${SWAPS} times, and no request fails`, { timeout: 60_000 }, async () => {
    const { port, driver } = await run(
      name,
      (exchange) => exchange.respond(200, [], { body: bytes('hello') }),
      { certificates: [A] },
    )
    const shown = { 'a.test': 0, 'b.test': 0 }
    const counts = { answered: 0 }
    const ask = (agent: Agent | false): Promise<void> =>
      new Promise((resolve, reject) => {
        const options = { port, host: '127.0.0.1', agent, rejectUnauthorized: false }
        const sent = request(options, (response) => {
          const { CN } = (response.socket as TLSSocket).getPeerCertificate().subject
          shown[CN as unknown as keyof typeof shown]++
          expect(response.statusCode).toBe(200)
          response.resume().once('end', () => {
            counts.answered++
            resolve()
          })
        })
        sent.once('error', reject)
        sent.end()
      })
    const state = { running: true }
    const client = async (keep: boolean): Promise<void> => {
      const agent = keep && new Agent({ keepAlive: true, maxSockets: 1 })
      while (state.running) await ask(agent)
      if (agent) agent.destroy()
    }
    const clients = Array.from({ length: 8 }, (_, i) => client(i < 3))
    // Each certificate is there for a few requests of everybody.
    for (let swap = 1; swap <= SWAPS; swap++) {
      driver.setCertificates([swap % 2 === 1 ? B : A])
      const enough = counts.answered + 12
      while (counts.answered < enough) {
        const next = new Promise((resolve) => setTimeout(resolve, 1))
        await Promise.race([next, Promise.all(clients)])
      }
    }
    state.running = false
    await Promise.all(clients)
    expect(shown['a.test']).toBeGreaterThan(SWAPS)
    expect(shown['b.test']).toBeGreaterThan(SWAPS)
  })
})
