import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl, curlDigest, startCurl } from '../support/curl.ts'
import { drivers, type Gateway, routes, startGateway, temporaryFolder } from '../support/gateway.ts'
import { MemoryWatch } from '../support/memory-watch.ts'
import { pattern, patternHash } from '../support/pattern.cjs'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

const MIB = 1_048_576
/** How much a process may grow while a body of any length goes through it. */
const GROWTH = 60 * MIB

/** A file of the pattern, written piece by piece. */
function patternFile(size: number): string {
  const file = join(temporaryFolder(), 'pattern')
  const handle = openSync(file, 'w')
  for (const block of pattern(size)) writeSync(handle, block)
  closeSync(handle)
  return file
}

describe.each(drivers)('long bodies, driver %s', { timeout: 120_000 }, (driver) => {
  let gateway: Gateway
  let service: RemoteNode

  beforeAll(async () => {
    gateway = await startGateway({
      config: routes(
        ['GET /big', 'big'],
        ['POST /collect', 'collect'],
        ['PUT /collect', 'collect'],
        ['PUT /dawdle', 'dawdle'],
        ['POST /pipe', 'pipe'],
        ['GET /hello', 'hello'],
      ),
      driver,
      listener: `max = { body_size = ${512 * MIB} }\ntimeout = { read = "100s", write = "100s", idle = "100s" }`,
    })
    const services = ['big', 'collect', 'dawdle', 'pipe', 'hello']
    service = await startNode({ addrs: [gateway.mesh], services, timeoutMs: 120_000 })
    // Code is compiled and buffers are made once: what is measured is what a body adds.
    await curlDigest(`${gateway.url}/big?bytes=${32 * MIB}`)
    await curl(`${gateway.url}/collect`, ['-T', patternFile(32 * MIB), '-H', 'Expect:'])
  }, 60_000)

  afterAll(async () => {
    await Promise.all([gateway.process.stop(), service.process.stop()])
  })

  const watch = (): MemoryWatch => new MemoryWatch(gateway.process, service.process)

  test('a download is whole and takes no memory', async () => {
    const size = (driver === 'uws' ? 1_024 : 256) * MIB
    const memory = watch()
    const { exit, bytes, sha1 } = await curlDigest(`${gateway.url}/big?bytes=${size}`)
    const growth = memory.stop(`${size / MIB} MiB down, ${driver}`)
    expect({ exit, bytes, sha1 }).toEqual({ exit: 0, bytes: size, sha1: patternHash(size) })
    for (const bytesMore of growth) expect(bytesMore).toBeLessThan(GROWTH)
  })

  test('an upload is whole and takes no memory', async () => {
    const size = (driver === 'uws' ? 256 : 64) * MIB
    const file = patternFile(size)
    const memory = watch()
    const reply = await curl(`${gateway.url}/collect`, ['-T', file, '-H', 'Expect:'])
    const growth = memory.stop(`${size / MIB} MiB up, ${driver}`)
    expect(reply).toMatchObject({ exit: 0, status: 200 })
    expect(JSON.parse(reply.body)).toEqual({ bytes: size, sha1: patternHash(size) })
    for (const bytesMore of growth) expect(bytesMore).toBeLessThan(GROWTH)
  })

  test('an upload that is read slowly waits in its client', async () => {
    const size = 256 * MIB
    const file = patternFile(size)
    const sha1 = patternHash(size)
    // Each connection is another: how fast its client is, and how much the system keeps of it.
    for (let i = 0; i < 3; i += 1) {
      const memory = watch()
      const reply = await curl(`${gateway.url}/dawdle`, ['-T', file, '-H', 'Expect:'])
      const growth = memory.stop(`${size / MIB} MiB up, read slowly, ${driver}`)
      expect(reply).toMatchObject({ exit: 0, status: 200 })
      expect(JSON.parse(reply.body)).toEqual({ bytes: size, sha1 })
      for (const bytesMore of growth) expect(bytesMore).toBeLessThan(GROWTH)
    }
  })

  test('both directions at once', async () => {
    const size = 16 * MIB
    const file = patternFile(size)
    const args = ['-X', 'POST', '-T', file, '-H', 'Expect:']
    const echoed = await curlDigest(`${gateway.url}/pipe`, args)
    expect(echoed).toEqual({ exit: 0, bytes: size, sha1: patternHash(size) })
  })

  test('a slow reader stops the service, and nobody else', async () => {
    const memory = watch()
    const from = service.process.lines.length
    const slow = startCurl(`${gateway.url}/big?bytes=${1_024 * MIB}`, [
      '--limit-rate',
      '1M',
      '-o',
      '/dev/null',
    ])
    for (let i = 0; i < 40; i += 1) {
      expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
    }
    const size = 64 * MIB
    const quick = await curlDigest(`${gateway.url}/big?bytes=${size}`)
    expect(quick).toMatchObject({ exit: 0, bytes: size })
    expect(slow.alive).toBe(true)
    const growth = memory.stop(`slow reader, ${driver}`)
    for (const bytesMore of growth) expect(bytesMore).toBeLessThan(GROWTH)

    // Its end is the end of the handler too.
    await slow.stop('SIGKILL')
    await service.process.line(/"event":"cancelled","service":"big"/, from)
  })

  test('many clients that leave midway leave nothing behind', async () => {
    const from = service.process.lines.length
    const files = Array.from({ length: 8 }, () => join(temporaryFolder(), 'part'))
    const clients = files.map((file) =>
      startCurl(`${gateway.url}/big?bytes=${1_024 * MIB}`, ['--limit-rate', '1M', '-o', file]),
    )
    // Midway: each has some of it.
    await eventually(() => files.every((file) => existsSync(file) && statSync(file).size > 0))
    await Promise.all(clients.map((client) => client.stop('SIGKILL')))
    await eventually(() => {
      const lines = service.process.lines.slice(from)
      return lines.filter((line) => line.includes('"event":"cancelled"')).length >= 8
    })
    const sum = await curlDigest(`${gateway.url}/big?bytes=${MIB}`)
    expect(sum).toMatchObject({ exit: 0, sha1: patternHash(MIB) })
  })
})
