import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'
import { skipUnless } from '../support/skip.ts'
import { application } from './application.ts'
import { type Attack, blockOf, type Result, tableOf, withBlock } from './attack.ts'
import { crashes } from './crashes.ts'
import { identity } from './identity.ts'
import { middle } from './middle.ts'
import { nonceReuse } from './nonce-reuse.ts'
import { resources } from './resources.ts'
import { closeSocketsAfterwards } from './support/sockets.ts'

stopProcessesAfterwards()
closeSocketsAfterwards()

const SECURITY = fileURLToPath(new URL('../../SECURITY.md', import.meta.url))
const attacks: readonly Attack[] = [
  ...nonceReuse,
  ...identity,
  ...middle,
  ...crashes,
  ...resources,
  ...application,
]
const results: Result[] = []
let missing: string | undefined

beforeAll(async () => {
  try {
    const node = await startNode({ sdk: '2020' })
    await node.process.stop('SIGKILL')
  } catch (error) {
    missing = (error as Error).message.split('\n')[0]
  }
}, 60_000)

/** Memory grows for other reasons too, as when code is compiled: an attack on it succeeds each time. */
async function againstOurs(attack: (typeof attacks)[number]): ReturnType<typeof attack.runOurs> {
  let outcome = await attack.runOurs()
  for (let again = 0; again < 2 && outcome.succeeded && attack.measuresMemory; again++)
    outcome = await attack.runOurs()
  return outcome
}

describe('attacks', { timeout: 90_000 }, () => {
  test.for(attacks)('$id: $title', async (attack, ctx) => {
    const met = !attack.measuresMemory || process.platform === 'linux'
    const reason = 'only Linux tells how much memory another process has'
    skipUnless(ctx, { met, what: `attack ${attack.id}`, reason })
    const [ours, old] = await Promise.all([
      againstOurs(attack),
      missing === undefined ? attack.run2020() : undefined,
    ])
    process.stdout.write(`${attack.id}: ${JSON.stringify({ old, ours })}\n`)
    if (old) results.push({ attack, old, ours })
    const verdicts = { ours: ours.succeeded, old: old?.succeeded ?? true }
    expect(verdicts).toEqual({ ours: false, old: true })
  })

  test('the 2020 SDK runs on this machine', (ctx) => {
    const reason = `flatend@0.0.8 does not start: ${missing}`
    skipUnless(ctx, { met: missing === undefined, what: 'attacks on the 2020 SDK', reason })
    expect(missing).toBeUndefined()
  })

  test('SECURITY.md says what these runs showed', (ctx) => {
    const reason = 'only some of the attacks ran'
    const met = results.length === attacks.length
    skipUnless(ctx, { met, what: 'the table of attacks', reason })
    const table = tableOf(results)
    const document = readFileSync(SECURITY, 'utf8')
    if (process.env['UPDATE']) writeFileSync(SECURITY, withBlock(document, table))
    expect(blockOf(readFileSync(SECURITY, 'utf8'))).toBe(table)
  })
})
