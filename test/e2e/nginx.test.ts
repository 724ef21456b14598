import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Node, type NodeOptions } from '@flatend/node'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Nginx, nginxHere, startNginx } from '../support/nginx.ts'
import { eventually, stopProcessesAfterwards } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const TEN_MEGABYTES = 10_485_760

async function node(options: NodeOptions): Promise<Node> {
  const started = await Node.start(options)
  onTestFinished(() => started.shutdown({ timeoutMs: 0 }))
  return started
}

const services = (name: string): NonNullable<NodeOptions['services']> => ({
  [name]: () => `this is ${name}`,
  [`${name}-echo`]: (ctx) => void ctx.pipe(ctx),
})

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** As the manual of nginx has it for WebSockets, nothing more. */
const passing = (upstream: string): string => `
    location = /mesh {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }`

describe('a node behind nginx, which passes nothing but HTTP', { timeout: 90_000 }, () => {
  let nginx: Nginx
  let inside: Node
  let outside: Node

  beforeEach(async (ctx) => {
    skipUnless(ctx, nginxHere)
    inside = await node({ bindAddrs: ['ws://127.0.0.1:0'], services: services('inside') })
    nginx = await startNginx(passing(new URL(inside.listening[0] as string).host))
    onTestFinished(async () => {
      await nginx.process.stop()
    })
    outside = await node({
      addrs: [`ws://127.0.0.1:${nginx.port}/mesh`],
      services: services('outside'),
    })
  })

  const bothKnow = (): Promise<boolean> =>
    eventually(
      () =>
        inside.providersFor(['outside']).length === 1 &&
        outside.providersFor(['inside']).length === 1,
    )

  test('is called and calls', async () => {
    await bothKnow()
    expect(await (await outside.call('inside')).text()).toBe('this is inside')
    expect(await (await inside.call('outside')).text()).toBe('this is outside')
  })

  test('streams 10 MB both ways, in both directions at once, whole', async () => {
    await bothKnow()
    const body = randomBytes(TEN_MEGABYTES)
    const chunks = (): Readable =>
      Readable.from(
        Array.from({ length: 160 }, (_, i) => body.subarray(i * 65_536, (i + 1) * 65_536)),
      )
    const replies = await Promise.all([
      outside.call('inside-echo', chunks()),
      inside.call('outside-echo', chunks()),
    ])
    for (const back of await Promise.all(replies.map((reply) => reply.bytes()))) {
      expect(back.length).toBe(TEN_MEGABYTES)
      expect(sha256(back)).toBe(sha256(body))
    }
  })

  test('is missed while nginx is gone, and joins again when it is back', async () => {
    await bothKnow()
    await nginx.process.stop()
    await eventually(() => outside.peers().length === 0 && inside.peers().length === 0)
    await expect(outside.call('inside')).rejects.toMatchObject({ kind: 'no-provider' })
    await nginx.restart()
    await bothKnow()
    expect(await (await inside.call('outside')).text()).toBe('this is outside')
  })

  test('cannot join by a path that nginx does not pass', async () => {
    const warnings: string[] = []
    const log = (fields: object, message: string): void => {
      warnings.push(`${message} ${JSON.stringify(fields)}`)
    }
    const lost = await node({
      addrs: [`ws://127.0.0.1:${nginx.port}/elsewhere`],
      logger: { debug: log, info: log, warn: log, error: log },
    })
    expect(lost.peers()).toEqual([])
    await eventually(() => warnings.some((text) => text.includes('404')))
  })
})
