import { describe, expect, test } from 'vitest'
import { curl, startCurl } from '../support/curl.ts'
import { drivers, gatewayForTest, routes } from '../support/gateway.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

describe.each(drivers)('the life of a gateway, driver %s', { timeout: 60_000 }, (driver) => {
  const config = routes(['GET /hello', 'hello'], ['GET /hold', 'hold'], ['GET /never', 'never'])

  test('SIGTERM: what runs finishes, nothing new begins, exit 0', async () => {
    const gateway = await gatewayForTest({ config, driver })
    const service = await startNode({ addrs: [gateway.mesh], services: ['hello', 'hold'] })
    const held = startCurl(`${gateway.url}/hold`)
    await service.event('held')

    gateway.process.child.kill('SIGTERM')
    await eventually(async () => (await curl(`${gateway.url}/hello`)).status !== 200)
    expect(gateway.process.alive).toBe(true)
    await service.command('release')
    expect(await held.exited).toMatchObject({ code: 0 })
    expect(held.stdout).toBe('held, released')
    expect(await gateway.process.exited).toEqual({ code: 0, signal: null })
  })

  test('SIGTERM with nothing to finish is quick, idle connections or not', async () => {
    const gateway = await gatewayForTest({ config, driver })
    await startNode({ addrs: [gateway.mesh], services: ['hello'] })
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
    const began = performance.now()
    expect(await gateway.process.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  test('SIGINT is the same, and what outlasts the shutdown time is cut off', async () => {
    const gateway = await gatewayForTest({
      config,
      driver,
      listener: 'timeout = { shutdown = "300ms" }',
    })
    const service = await startNode({ addrs: [gateway.mesh], services: ['hold'] })
    const held = startCurl(`${gateway.url}/hold`)
    await service.event('held')
    expect(await gateway.process.stop('SIGINT')).toMatchObject({ signal: null })
    // A body that is not complete must not look complete.
    expect((await held.exited).code).not.toBe(0)
    await service.event('cancelled')
  })

  test('a client that leaves cancels the handler', async () => {
    const gateway = await gatewayForTest({ config, driver })
    const service = await startNode({ addrs: [gateway.mesh], services: ['never', 'hold', 'hello'] })
    for (const path of ['never', 'hold']) {
      const client = startCurl(`${gateway.url}/${path}`)
      await service.event(path === 'never' ? 'waiting' : 'held')
      await client.stop('SIGKILL')
      expect(await service.event('cancelled')).toMatchObject({ service: path })
    }
    expect(await curl(`${gateway.url}/hello`)).toMatchObject({ status: 200 })
  })

  test('a service that dies midway breaks the answer off', async () => {
    const gateway = await gatewayForTest({ config, driver })
    const service = await startNode({ addrs: [gateway.mesh], services: ['never', 'hold'] })
    const held = startCurl(`${gateway.url}/hold`)
    await service.event('held')
    const waiting = curl(`${gateway.url}/never`)
    await service.event('waiting')
    await service.process.stop('SIGKILL')
    expect((await held.exited).code).not.toBe(0)
    expect(await waiting).toMatchObject({ exit: 0, status: 502 })
  })
})
