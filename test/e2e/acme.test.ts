import { readdirSync, readFileSync, statSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { parseConfig } from '@flatend/gateway'
import { nodeDriver } from '@flatend/gateway/http2'
import { uwsDriver } from '@flatend/gateway/uws'
import { type GatewayNode, generateSecretKey, Node, startGateway } from '@flatend/node'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { acmeListener, issued, shown, startAcmeGateway } from '../support/acme-gateway.ts'
import { temporaryFolder } from '../support/gateway.ts'
import { type Pebble, pebbleHere, startPebble } from '../support/pebble.ts'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { withRenewalInfo } from '../support/renewal-info.ts'
import { revoke } from '../support/revoke.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const folderOf = (storage: string): string => join(storage, readdirSync(storage)[0] as string)

beforeEach((ctx) => skipUnless(ctx, pebbleHere))

describe.each([
  ['uws', uwsDriver],
  ['node', nodeDriver],
] as const)('one gateway, driver %s', (_, driver) => {
  test('listens at once, has its certificate from the CA, keeps it on disk', async () => {
    const pebble = await startPebble()
    const storage = temporaryFolder()
    const gateway = await startAcmeGateway({ pebble, domains: ['a.test'], storage, driver })
    const placeholder = await shown(gateway.httpsPort, 'a.test')
    expect(placeholder.issuer.CN).toBe('flatend placeholder')
    const state = await issued(gateway, 'a.test')
    const real = await shown(gateway.httpsPort, 'a.test', await pebble.root())
    expect(real.subjectaltname).toBe('DNS:a.test')
    expect(state).toMatchObject({ source: 'acme', origin: pebble.directory, failures: 0 })
    expect(state.issuer).toContain('Pebble Intermediate')
    const life = state.notAfter - state.notBefore
    expect(((state.renewAt ?? 0) - state.notBefore) / life).toBeGreaterThanOrEqual(2 / 3 - 1e-6)
    expect(((state.renewAt ?? 0) - state.notBefore) / life).toBeLessThan(0.71)

    const folder = folderOf(storage)
    await eventually(() => readdirSync(folder).join() === 'a.test.pem,account.key')
    const files = readdirSync(folder).toSorted()
    expect(files).toEqual(['a.test.pem', 'account.key'])
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)

    const plain = `http://127.0.0.1:${pebble.httpPort}`
    const moved = await fetch(`${plain}/x?y=1`, { redirect: 'manual' })
    expect(moved.status).toBe(301)
    expect(moved.headers.get('location')).toBe(`https://127.0.0.1:${gateway.httpsPort}/x?y=1`)
    const posted = await fetch(plain, { method: 'POST', body: 'x', redirect: 'manual' })
    expect(posted.status).toBe(308)
    const unknown = await fetch(`${plain}/.well-known/acme-challenge/${'x'.repeat(43)}`, {
      redirect: 'manual',
    })
    expect(unknown.status).toBe(301)

    // The next start has it from disk: the CA is not even there.
    await gateway.stop()
    await pebble.process.stop()
    const again = await startAcmeGateway({ pebble, domains: ['a.test'], storage, driver })
    expect((await shown(again.httpsPort, 'a.test')).serialNumber).toBe(real.serialNumber)
  })

  test('renews, and no connection notices', async () => {
    const pebble = await startPebble({ validitySeconds: 6 })
    const storage = temporaryFolder()
    const gateway = await startAcmeGateway({ pebble, domains: ['a.test'], storage, driver })
    await issued(gateway, 'a.test')
    const first = await shown(gateway.httpsPort, 'a.test')
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
    onTestFinished(() => agent.destroy())
    const ports = new Set<number | undefined>()
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request({ port: gateway.httpsPort, host: '127.0.0.1', agent }, (response) => {
          ports.add(response.socket.localPort)
          response.resume().on('end', () => resolve(response.statusCode))
        })
        sent.on('error', reject)
        sent.end()
      })
    await eventually(async () => {
      expect(await ask()).toBe(404)
      return (await shown(gateway.httpsPort, 'a.test')).serialNumber !== first.serialNumber
    })
    expect(await ask()).toBe(404)
    expect(ports.size).toBe(1)
    expect(gateway.log.filter((line) => line.includes('no certificate'))).toEqual([])
  })
})

describe('what can go wrong', () => {
  test('the CA is down: the placeholder is served, and the CA asked again until it is back', async () => {
    const pebble = await startPebble()
    await pebble.process.stop()
    const storage = temporaryFolder()
    const gateway = await startAcmeGateway({ pebble, domains: ['a.test'], storage })
    await eventually(() => gateway.state('a.test').failures > 1)
    expect(gateway.state('a.test').lastError).toContain('ECONNREFUSED')
    expect((await shown(gateway.httpsPort, 'a.test')).issuer.CN).toBe('flatend placeholder')
    expect(gateway.log.join('\n')).toContain('no certificate from the CA')
    await pebble.restart()
    expect(await issued(gateway, 'a.test')).toMatchObject({ failures: 0, lastError: undefined })
  })

  test('the CA is down when a certificate is due: the old one is served', async () => {
    const pebble = await startPebble({ validitySeconds: 9 })
    const storage = temporaryFolder()
    const gateway = await startAcmeGateway({ pebble, domains: ['a.test'], storage })
    await issued(gateway, 'a.test')
    const { serialNumber } = await shown(gateway.httpsPort, 'a.test')
    await pebble.process.stop()
    await eventually(() => gateway.state('a.test').failures > 0)
    expect((await shown(gateway.httpsPort, 'a.test')).serialNumber).toBe(serialNumber)
    expect(gateway.log.join('\n')).toContain('the old one, until')
    await pebble.restart()
    await eventually(() => gateway.state('a.test').failures === 0)
    const next = await shown(gateway.httpsPort, 'a.test', await pebble.root())
    expect(next.serialNumber).not.toBe(serialNumber)
  })

  test('a name that does not lead here fails by itself', async () => {
    const pebble = await startPebble()
    await pebble.resolveTo('lost.test', '127.0.0.9')
    const storage = temporaryFolder()
    const domains = ['lost.test', 'a.test']
    const gateway = await startAcmeGateway({ pebble, domains, storage })
    await issued(gateway, 'a.test')
    await eventually(() => gateway.state('lost.test').failures > 0)
    expect(gateway.state('lost.test').lastError).toMatch(/the CA refuses: .*lost\.test/)
    expect((await shown(gateway.httpsPort, 'lost.test')).issuer.CN).toBe('flatend placeholder')
    expect((await shown(gateway.httpsPort, 'a.test')).subjectaltname).toBe('DNS:a.test')
  })
})

const idOf = (key: Uint8Array | undefined): string =>
  Buffer.from(key?.subarray(32) ?? []).toString('hex')

describe('several gateways of one name', () => {
  const keys = [generateSecretKey(), generateSecretKey()].toSorted((a, b) =>
    Buffer.compare(a.subarray(32), b.subarray(32)),
  )
  interface Started {
    readonly gateway: GatewayNode
    readonly port: number
    readonly log: string[]
  }

  const saw = (one: Started, text: string): Promise<boolean> =>
    eventually(() => one.log.some((line) => line.includes(text)), { within: 60_000 })

  /** `challenged`: the CA's challenges come here. */
  async function startOne(
    i: 0 | 1,
    options: {
      readonly pebble: Pick<Pebble, 'directory' | 'ca' | 'httpPort'>
      readonly meshes: readonly number[]
      readonly domain: string
      readonly challenged: boolean
      readonly trust: boolean
      readonly storage?: string
    },
  ): Promise<Started> {
    const { pebble, meshes, domain, challenged, trust, storage = temporaryFolder() } = options
    const port = await freePort()
    const acme = { pebble, domains: [domain], storage }
    const config = `addr = "127.0.0.1:${meshes[i]}"
bootstrap = ["127.0.0.1:${meshes[1 - i]}"]
${trust ? `[allow.services]\n"flatend.acme" = ["${idOf(keys[1 - i])}"]\n` : ''}
${acmeListener(acme, port, challenged ? undefined : '')}`
    const log: string[] = []
    const note = (fields: object, message: string): void => {
      log.push(`${message} ${JSON.stringify(fields)}`)
    }
    const gateway = await startGateway({
      config: parseConfig(config),
      node: { secretKey: keys[i] as Uint8Array },
      log: { debug: note, info: note, warn: note, error: note },
    })
    onTestFinished(() => gateway.stop())
    return { gateway, port, log }
  }

  test('a challenge that comes to another one is answered', async () => {
    const pebble = await startPebble()
    const common = { pebble, meshes: [await freePort(), await freePort()], trust: true }
    const second = await startOne(1, { ...common, domain: 'b.test', challenged: true })
    await saw(second, '"from":"the CA"')
    const first = await startOne(0, { ...common, domain: 'a.test', challenged: false })
    await saw(first, '"from":"the CA"')
    const shownThere = await shown(first.port, 'a.test', await pebble.root())
    expect(shownThere.subjectaltname).toBe('DNS:a.test')
  })

  test('one orders, and the other has the certificate at once', async () => {
    const pebble = await startPebble()
    const common = { pebble, meshes: [await freePort(), await freePort()], domain: 'a.test' }
    const first = await startOne(0, { ...common, challenged: false, trust: true })
    // Alone it cannot have one, so it is for the other to order.
    await saw(first, 'no certificate from the CA')
    const second = await startOne(1, { ...common, challenged: true, trust: true })
    await saw(second, '"from":"the CA"')
    await saw(first, '"from":"another gateway"')
    const root = await pebble.root()
    const one = await shown(first.port, 'a.test', root)
    const other = await shown(second.port, 'a.test', root)
    expect(one.serialNumber).toBe(other.serialNumber)
  })

  test('a revoked certificate is replaced at both, by one order', async () => {
    const pebble = await startPebble()
    const told = await withRenewalInfo(pebble)
    const meshes = [await freePort(), await freePort()]
    const common = { pebble: told, meshes, domain: 'a.test', trust: true }
    const folders = [temporaryFolder(), temporaryFolder()] as const
    // It is not the one that orders, so that it has to wait for the other.
    const options = (i: 0 | 1) => ({ ...common, storage: folders[i], challenged: i === 1 })
    const second = await startOne(1, options(1))
    await saw(second, '"from":"the CA"')
    const first = await startOne(0, options(0))
    await saw(first, '"from":"another gateway"')
    const { serialNumber } = await shown(first.port, 'a.test')
    for (const { gateway } of [first, second]) await gateway.stop()
    await revoke(pebble, readFileSync(join(folderOf(folders[0]), 'a.test.pem'), 'utf8'))
    const again = [await startOne(1, options(1)), await startOne(0, options(0))] as const
    const root = await pebble.root()
    const serials = async (): Promise<readonly string[]> =>
      await Promise.all(
        again.map(async ({ port }) => (await shown(port, 'a.test', root)).serialNumber),
      )
    await eventually(async () => (await serials()).every((serial) => serial !== serialNumber))
    expect(new Set(await serials()).size).toBe(1)
    const orders = again.filter(({ log }) => log.some((line) => line.includes('"from":"the CA"')))
    expect(orders).toHaveLength(1)
  })

  test('without trust neither challenges nor keys are shared', async () => {
    const pebble = await startPebble()
    const common = { pebble, meshes: [await freePort(), await freePort()], domain: 'a.test' }
    const second = await startOne(1, { ...common, challenged: true, trust: false })
    const first = await startOne(0, { ...common, challenged: false, trust: false })
    expect(first.gateway.node.services()).not.toContain('flatend.acme')
    await saw(second, '"from":"the CA"')
    await saw(first, 'no certificate from the CA')
    expect((await shown(first.port, 'a.test')).issuer.CN).toBe('flatend placeholder')
  })

  test('a stranger of the mesh is told nothing', async () => {
    const pebble = await startPebble()
    const meshes = [await freePort(), await freePort()]
    const options = { pebble, meshes, domain: 'a.test', challenged: true, trust: true }
    const gateway = await startOne(0, options)
    await saw(gateway, '"from":"the CA"')
    const stranger = await Node.start({ addrs: [`127.0.0.1:${meshes[0]}`] })
    onTestFinished(() => stranger.shutdown({ timeoutMs: 0 }))
    await eventually(() => stranger.providersFor(['flatend.acme']).length === 1)
    const call = stranger.call('flatend.acme', { domain: 'a.test' })
    await expect(call).rejects.toMatchObject({ kind: 'denied' })
  })
})
