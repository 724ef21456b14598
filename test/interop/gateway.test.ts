import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { curl, curlDigest, valuesOf } from '../support/curl.ts'
import {
  type Gateway,
  gatewayForTest,
  routes,
  startGateway,
  temporaryFolder,
} from '../support/gateway.ts'
import { pattern, patternHash } from '../support/pattern.cjs'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

const SIZE = 10_000_000
const SERVICES = ['hello', 'pipe', 'big', 'show', 'collect', 'fail'] as const
const config = routes(
  ['GET /hello', 'hello'],
  ['POST /pipe', 'pipe'],
  ['GET /big', 'big'],
  ['GET /show/:id', 'show'],
  ['POST /collect', 'collect'],
  ['GET /fail', 'fail'],
)

function fileOf(size: number): string {
  const file = join(temporaryFolder(), 'body')
  writeFileSync(file, Buffer.concat([...pattern(size)]))
  return file
}

describe('services of flatend@0.0.8 behind our gateway', { timeout: 60_000 }, () => {
  let gateway: Gateway
  let service: RemoteNode

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      args: ['--legacy'],
      listener: 'max = { body_size = 20_000_000 }',
    })
    service = await startNode({ sdk: '2020', addrs: [gateway.mesh], services: SERVICES })
  }, 60_000)

  test('answers', async () => {
    const reply = await curl(`${gateway.url}/hello`)
    expect(reply).toMatchObject({ exit: 0, status: 200, body: 'Hello world!' })
  })

  test('a hundred in a row, and at once', async () => {
    for (let i = 0; i < 10; i += 1) {
      const all = await Promise.all(Array.from({ length: 10 }, () => curl(`${gateway.url}/hello`)))
      for (const reply of all) expect(reply).toMatchObject({ status: 200, body: 'Hello world!' })
    }
  })

  test('headers, path and query parameters', async () => {
    const reply = await curl(`${gateway.url}/show/a%20b?x=1`, ['-H', 'x-name: value'])
    expect(valuesOf(reply, 'x-sdk')).toEqual(['2020'])
    expect(JSON.parse(reply.body)).toMatchObject({
      'x-name': 'value',
      'params.id': 'a b',
      'query.x': '1',
    })
  })

  test('10 MB down', async () => {
    const sum = await curlDigest(`${gateway.url}/big?bytes=${SIZE}`)
    expect(sum).toEqual({ exit: 0, bytes: SIZE, sha1: patternHash(SIZE) })
  })

  test('10 MB up', async () => {
    const reply = await curl(`${gateway.url}/collect`, ['--data-binary', `@${fileOf(SIZE)}`])
    expect(JSON.parse(reply.body)).toEqual({ bytes: SIZE, sha1: patternHash(SIZE) })
  })

  test('10 MB both ways', async () => {
    const args = ['-X', 'POST', '-T', fileOf(SIZE), '-H', 'Expect:']
    const sum = await curlDigest(`${gateway.url}/pipe`, args)
    expect(sum).toEqual({ exit: 0, bytes: SIZE, sha1: patternHash(SIZE) })
  })

  test('a slow client does not fill the gateway', async () => {
    const before = gateway.process.rss()
    const slow = curlDigest(`${gateway.url}/big?bytes=4000000`, ['--limit-rate', '2M'])
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
    expect(await slow).toEqual({ exit: 0, bytes: 4_000_000, sha1: patternHash(4_000_000) })
    expect(gateway.process.rss() - before).toBeLessThan(60 * 1_048_576)
  })

  test('what a handler throws is its answer, as in 2020', async () => {
    const reply = await curl(`${gateway.url}/fail`)
    expect(reply.body).toContain('told to everybody in 2020')
  })

  test('headers too large for its packets are a clear error, and it lives', async () => {
    const args = ['-H', `x-large: ${'x'.repeat(3_000)}`, '-H', `x-more: ${'y'.repeat(3_000)}`]
    const reply = await curl(`${gateway.url}/hello`, args)
    expect(reply.exit).toBe(0)
    expect([413, 431]).toContain(reply.status)
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
    expect(service.process.alive).toBe(true)
  })

  test('its death is 503, its return is found', async () => {
    await service.process.stop('SIGKILL')
    const status = async () => (await curl(`${gateway.url}/hello`)).status
    await eventually(async () => (await status()) === 503)
    service = await startNode({ sdk: '2020', addrs: [gateway.mesh], services: SERVICES })
    expect(await eventually(async () => (await status()) === 200)).toBe(true)
  })

  test('with an identity it answers too', async () => {
    await service.process.stop('SIGKILL')
    service = await startNode({
      sdk: '2020',
      identified: true,
      publicAddr: `127.0.0.1:${await freePort()}`,
      addrs: [gateway.mesh],
      services: SERVICES,
    })
    const found = async () => (await curl(`${gateway.url}/hello`)).status === 200
    expect(await eventually(found)).toBe(true)
  })
})

describe('a gateway without --legacy', { timeout: 60_000 }, () => {
  test('refuses nodes of 2020 with a line that says so, and lives', async () => {
    const gateway = await gatewayForTest({ config })
    const old = new RemoteNode({ sdk: '2020', addrs: [gateway.mesh], services: ['hello'] })
    expect(await gateway.process.line(/legacy/)).toMatch(/warn|error/i)
    expect(await old.process.exited).not.toMatchObject({ code: 0 })
    // Not before: a node that waits to be dialed back says nothing of connections that come to nothing.
    await startNode({ addrs: [gateway.mesh], services: ['hello'] })
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
  })
})
