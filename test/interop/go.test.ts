import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Node } from '@flatend/node'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { curl, curlDigest, valuesOf } from '../support/curl.ts'
import { gatewayForTest, routes, temporaryFolder } from '../support/gateway.ts'
import { pattern, patternHash } from '../support/pattern.cjs'
import {
  eventually,
  freePort,
  type Process,
  start,
  stopProcessesAfterwards,
} from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const MODULE = 'github.com/lithdew/flatend'
const SOURCE = fileURLToPath(new URL('../support/legacy/go', import.meta.url))
/** Bytes of the bodies that are echoed. */
const SIZE = 1_000_000

/** Builds in a folder that holds service.go; what `go` complains of, or nothing. */
function goBuild(folder: string, ...args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync('go', ['build', '-o', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
    // go.sum beside service.go pins what is fetched; go.mod is completed on the way.
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  })
  if (error) return error.message
  return status === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? `go ended with ${status}`)
}

describe('the 2020 Go SDK and gateway', { timeout: 60_000 }, () => {
  const folder = temporaryFolder()
  let failure: string | undefined

  beforeAll(() => {
    cpSync(SOURCE, folder, { recursive: true })
    failure =
      spawnSync('go', ['version']).error === undefined
        ? (goBuild(folder, 'service', '.') ?? goBuild(folder, 'gateway', `${MODULE}/cmd/flatend`))
        : 'go is not installed'
  }, 600_000)

  beforeEach((ctx) => {
    const what = `interop with the 2020 Go SDK and gateway (${MODULE})`
    skipUnless(ctx, { met: failure === undefined, what, reason: `cannot be built: ${failure}` })
  })

  const startService = async (seed: string): Promise<Process> => {
    const own = `127.0.0.1:${await freePort()}`
    return start([seed, own], { program: join(folder, 'service') })
  }

  test('its service answers behind our gateway', async () => {
    const gateway = await gatewayForTest({
      config: routes(['GET /hello', 'hello'], ['POST /echo', 'echo']),
      args: ['--legacy'],
    })
    const service = await startService(gateway.mesh)
    await eventually(async () => {
      if (!service.alive) throw new Error(service.lines.join('\n'))
      return (await curl(`${gateway.url}/hello`)).status === 200
    })
    const reply = await curl(`${gateway.url}/hello`)
    expect(reply.body).toBe('Hello from Go!')
    expect(valuesOf(reply, 'x-sdk')).toEqual(['go'])
    const file = join(temporaryFolder(), 'body')
    writeFileSync(file, Buffer.concat([...pattern(SIZE)]))
    const echoed = await curlDigest(`${gateway.url}/echo`, ['--data-binary', `@${file}`])
    expect(echoed).toEqual({ exit: 0, bytes: SIZE, sha1: patternHash(SIZE) })
    expect(service.alive).toBe(true)
  })

  test('it calls our service, and our node calls it, over one connection', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const ours = await Node.start({
      legacy: true,
      publicAddr: address,
      services: { ours: async (ctx) => `ours was ${(await ctx.body()).toString()}` },
    })
    onTestFinished(() => ours.shutdown({ timeoutMs: 0 }))
    const service = await startService(address)
    await eventually(() => ours.providersFor(['ask']).length === 1)
    expect(await (await ours.call('ask')).text()).toBe('ours was asked by Go')
    const echoed = await (await ours.call('echo', pattern(SIZE))).bytes()
    expect(createHash('sha1').update(echoed).digest('hex')).toBe(patternHash(SIZE))
    expect(service.alive).toBe(true)
  })

  test('our service answers behind its gateway', async () => {
    const [mesh, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const cwd = temporaryFolder()
    const config = `addr = "${mesh}"\n[[http]]\naddr = "${http}"\n`
    writeFileSync(
      join(cwd, 'config.toml'),
      config + routes(['GET /ours/:id', 'ours'], ['POST /echo', 'echo']),
    )
    const gateway = start([], { program: join(folder, 'gateway'), cwd })
    await gateway.line(/Listening for HTTP requests/)
    const node = await Node.start({
      legacy: true,
      addrs: [mesh],
      services: {
        ours: (ctx) => ctx.header('x-sdk', 'ours').send(`${ctx.params['id']} ${ctx.query['q']}`),
        echo: (ctx) => ctx.pipe(ctx),
      },
    })
    onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
    const reply = await curl(`http://${http}/ours/42?q=yes`)
    expect(reply).toMatchObject({ status: 200, body: '42 yes' })
    expect(valuesOf(reply, 'x-sdk')).toEqual(['ours'])
    const file = join(temporaryFolder(), 'body')
    writeFileSync(file, Buffer.concat([...pattern(SIZE)]))
    const echoed = await curlDigest(`http://${http}/echo`, ['--data-binary', `@${file}`])
    expect(echoed).toEqual({ exit: 0, bytes: SIZE, sha1: patternHash(SIZE) })
    expect(gateway.alive).toBe(true)
  })
})
