import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDriver } from '@flatend/gateway/http2'
import { uwsDriver } from '@flatend/gateway/uws'
import { beforeEach, describe, expect, test } from 'vitest'
import { type AcmeGateway, issued, shown, startAcmeGateway } from '../support/acme-gateway.ts'
import { temporaryFolder } from '../support/gateway.ts'
import { httpsLoad } from '../support/https-load.ts'
import { pebbleHere, startPebble } from '../support/pebble.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { withRenewalInfo } from '../support/renewal-info.ts'
import { revoke } from '../support/revoke.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()
beforeEach((ctx) => skipUnless(ctx, pebbleHere))

/** Certificates replaced under load; 90 take half a minute a driver. */
const SWAPS = Number(process.env['FLATEND_ACME_SWAPS'] ?? 12)

const DRIVERS = [
  ['uws', uwsDriver],
  ['node', nodeDriver],
] as const

async function keptFile(storage: string, domain = 'a.test'): Promise<string> {
  const folder = join(storage, readdirSync(storage)[0] as string)
  const file = join(folder, `${domain}.pem`)
  await eventually(() => existsSync(file))
  return file
}

const serial = async ({ httpsPort }: AcmeGateway): Promise<string> =>
  (await shown(httpsPort, 'a.test')).serialNumber

describe.each(DRIVERS)('a revoked certificate, driver %s', (_, driver) => {
  test('is replaced where the CA tells of it, and no request fails', async () => {
    const pebble = await startPebble()
    const storage = temporaryFolder()
    const asking = await withRenewalInfo(pebble)
    const options = { pebble: asking, domains: ['a.test'], storage, driver, speed: 60 }
    const gateway = await startAcmeGateway(options)
    await issued(gateway, 'a.test')
    await eventually(() => asking.asked.length > 0)
    const first = await serial(gateway)
    expect(asking.asked[0]).toBe(first.toLowerCase())
    const stop = httpsLoad(gateway.httpsPort, ['a.test'])
    await revoke(pebble, readFileSync(await keptFile(storage), 'utf8'))
    await eventually(async () => (await serial(gateway)) !== first)
    const { answered, failures } = await stop()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(0)
    const next = await shown(gateway.httpsPort, 'a.test', await pebble.root())
    const status = await pebble.manage(`/cert-status-by-serial/${next.serialNumber}`)
    expect(status).toMatchObject({ Status: 'Valid' })
  })
})

describe('a CA that does not tell of revoked certificates', () => {
  test('gives another one where the file is taken away and the gateway reloads', async () => {
    const pebble = await startPebble()
    const storage = temporaryFolder()
    const options = { pebble, domains: ['a.test'], storage }
    const gateway = await startAcmeGateway(options)
    await issued(gateway, 'a.test')
    const file = await keptFile(storage)
    const first = await serial(gateway)
    await gateway.reload(options)
    await revoke(pebble, readFileSync(file, 'utf8'))
    rmSync(file)
    await gateway.reload(options)
    // Never without a certificate of the CA's.
    await eventually(async () => {
      const now = await shown(gateway.httpsPort, 'a.test', await pebble.root())
      return now.serialNumber !== first
    })
    await eventually(() => existsSync(file))
    expect(gateway.log.join('\n')).toContain('a certificate is gone from disk')
  })
})

describe.each(DRIVERS)('certificates are replaced under load, driver %s', (_, driver) => {
  test(`${SWAPS} times by the CA, and no request fails`, async () => {
    const pebble = await startPebble()
    const domains = Array.from({ length: SWAPS }, (_unused, i) => `n${i}.test`)
    const storage = temporaryFolder()
    const gateway = await startAcmeGateway({ pebble, domains, storage, driver, speed: 20 })
    const stop = httpsLoad(gateway.httpsPort, [...domains, 'unknown.test'])
    await eventually(() => gateway.states().every(({ placeholder }) => !placeholder), {
      within: 90_000,
    })
    const { answered, failures } = await stop()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(SWAPS)
    const root = await pebble.root()
    for (const domain of ['n0.test', domains.at(-1) as string]) {
      expect((await shown(gateway.httpsPort, domain, root)).subjectaltname).toBe(`DNS:${domain}`)
    }
    const swaps = (): number =>
      gateway.log.filter((line) => line.includes('new certificate is served')).length
    await eventually(() => swaps() >= SWAPS)
    expect(swaps()).toBe(SWAPS)
  })
})

describe.each(DRIVERS)('a reload, driver %s', (_, driver) => {
  test('changes the CA: the old certificate is served until the new CA gave another', async () => {
    const pebble = await startPebble()
    const storage = temporaryFolder()
    const domains = ['a.test']
    const gateway = await startAcmeGateway({ pebble, domains, storage, driver })
    await issued(gateway, 'a.test')
    const first = await serial(gateway)
    const stop = httpsLoad(gateway.httpsPort, ['a.test'])
    const other = await startPebble({ httpPort: pebble.httpPort })
    await other.process.stop()
    await gateway.reload({ pebble: other, domains, storage })
    await eventually(() => gateway.state('a.test').failures > 0)
    expect(gateway.state('a.test')).toMatchObject({ placeholder: false, origin: other.directory })
    expect(await serial(gateway)).toBe(first)
    await other.restart()
    await eventually(async () => (await serial(gateway)) !== first)
    await shown(gateway.httpsPort, 'a.test', await other.root())
    expect((await stop()).failures).toEqual([])
    expect(readdirSync(storage)).toHaveLength(2)
  })

  test('changes folder, address and names', async () => {
    const pebble = await startPebble()
    const [storage, moved] = [temporaryFolder(), temporaryFolder()]
    const gateway = await startAcmeGateway({ pebble, domains: ['a.test'], storage, driver })
    await issued(gateway, 'a.test')
    const first = await serial(gateway)
    const stop = httpsLoad(gateway.httpsPort, ['a.test'])
    const domains = ['a.test', 'b.test']
    await gateway.reload({ pebble, domains, storage: moved, email: 'new@example.org' })
    // It is taken along: there is no need to order it again.
    expect(await serial(gateway)).toBe(first)
    expect(readFileSync(await keptFile(moved), 'utf8')).toContain('BEGIN CERTIFICATE')
    await issued(gateway, 'b.test')
    const root = await pebble.root()
    expect((await shown(gateway.httpsPort, 'b.test', root)).subjectaltname).toBe('DNS:b.test')
    await gateway.reload({ pebble, domains: ['b.test'], storage: moved })
    expect(gateway.states().map(({ names }) => names)).toEqual([['b.test']])
    expect((await stop()).failures).toEqual([])
  })
})
