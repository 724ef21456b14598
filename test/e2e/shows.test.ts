import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl, valuesOf } from '../support/curl.ts'
import { type Gateway, routes, startGateway } from '../support/gateway.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { RemoteNode as Remote, type RemoteNode, startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

describe('a function behind a gateway', { timeout: 60_000 }, () => {
  let gateway: Gateway
  let service: RemoteNode

  beforeAll(async () => {
    gateway = await startGateway({ config: routes(['GET /hello', 'hello']) })
    service = await startNode({ addrs: [gateway.mesh], services: ['hello'] })
  }, 60_000)

  afterAll(async () => {
    await gateway.process.stop()
  })

  const answers = async (status: number) => {
    const reply = await curl(`${gateway.url}/hello`)
    return reply.status === status ? reply : undefined
  }

  test('answers', async () => {
    const reply = await curl(`${gateway.url}/hello`)
    expect(reply).toMatchObject({ exit: 0, status: 200, body: 'Hello world!' })
  })

  test('is 503 while the service is down, and 200 within two seconds of its start', async () => {
    await service.process.stop('SIGKILL')
    const down = await eventually(() => answers(503))
    expect(valuesOf(down, 'content-type')[0]).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(down.body)).toMatchObject({ status: 503 })
    expect(valuesOf(down, 'retry-after')).toHaveLength(1)

    service = new Remote({ addrs: [gateway.mesh], services: ['hello'] })
    const up = await eventually(() => answers(200), { within: 2_000 })
    expect(up).toMatchObject({ body: 'Hello world!' })
  })

  test('is found again by a gateway that restarts', async () => {
    await gateway.restart()
    const up = await eventually(() => answers(200))
    expect(up).toMatchObject({ body: 'Hello world!' })
  })

  test('may start before its gateway', async () => {
    await service.process.stop()
    await gateway.process.stop()
    service = await startNode({ addrs: [gateway.mesh], services: ['hello'] })
    await gateway.restart()
    expect(await eventually(() => answers(200))).toMatchObject({ body: 'Hello world!' })
  })
})
