import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { curl, valuesOf } from '../support/curl.ts'
import { temporaryFolder } from '../support/gateway.ts'
import { FLATEND, freePort, start, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

interface Ports {
  readonly mesh: number
  readonly http: readonly [number, number, number]
}

async function somePorts(): Promise<Ports> {
  const [mesh, a, b, c] = [await freePort(), await freePort(), await freePort(), await freePort()]
  return { mesh, http: [a, b, c] }
}

/** As in 2020: no arguments, `config.toml` in the working folder. */
async function gatewayWith(config: string, folder: string) {
  writeFileSync(join(folder, 'config.toml'), config)
  const gateway = start([FLATEND], { cwd: folder })
  await gateway.line(/HTTP/)
  return gateway
}

describe('configurations of 2020', { timeout: 60_000 }, () => {
  test('every key of the README', async () => {
    const { mesh, http } = await somePorts()
    const folder = temporaryFolder()
    const config = `
addr = "127.0.0.1:${mesh}"

[[http]]
https = false
domain = "example.org"
domains = ["a.example.org", "b.example.org"]
addr = "127.0.0.1:${http[0]}"
addrs = ["127.0.0.1:${http[1]}", "127.0.0.1:${http[2]}"]
redirect_trailing_slash = true
redirect_fixed_path = true

[http.timeout]
read = "10s"
read_header = "10s"
idle = "10s"
write = "10s"
shutdown = "10s"

[http.min]
body_size = 4

[http.max]
header_size = 1048576
body_size = 1048576

[[http.routes]]
path = "GET /"
static = "config.toml"
nocache = true

[[http.routes]]
path = "POST /:id"
services = ["a", "b", "pipe"]
`
    const gateway = await gatewayWith(config, folder)
    await startNode({ addrs: [`127.0.0.1:${mesh}`], services: ['pipe'] })
    for (const port of http) {
      const url = `http://127.0.0.1:${port}`
      const file = await curl(`${url}/`)
      expect(file).toMatchObject({ status: 200, body: config })
      expect(valuesOf(file, 'cache-control').join()).toMatch(/no-cache|no-store/)
      expect(await curl(`${url}/42`, ['-d', 'body'])).toMatchObject({ status: 200, body: 'body' })
    }
    const url = `http://127.0.0.1:${http[0]}`
    const redirected = await curl(`${url}/42/`, ['-d', 'body'])
    expect(redirected.status).toBeGreaterThanOrEqual(301)
    expect(redirected.status).toBeLessThanOrEqual(308)
    expect(valuesOf(redirected, 'location').join()).toMatch(/\/42$/)
    expect(await gateway.stop('SIGTERM')).toMatchObject({ code: 0 })
  })

  test('an application: a folder of files at the root, functions beside it', async () => {
    const { mesh, http } = await somePorts()
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'public'))
    writeFileSync(join(folder, 'public', 'index.html'), '<h1>Todo</h1>')
    writeFileSync(join(folder, 'public', 'main.js'), 'void 0\n')
    const config = `
addr = "127.0.0.1:${mesh}"
[[http]]
addr = "127.0.0.1:${http[0]}"
[[http.routes]]
path = "GET /"
static = "./public"
[[http.routes]]
path = "GET /todos"
service = "hello"
[[http.routes]]
path = "GET /todos/add/:content"
service = "show"
[[http.routes]]
path = "GET /todos/remove/:id"
service = "show"
`
    await gatewayWith(config, folder)
    await startNode({ addrs: [`127.0.0.1:${mesh}`], services: ['hello', 'show'] })
    const url = `http://127.0.0.1:${http[0]}`
    expect(await curl(`${url}/`)).toMatchObject({ status: 200, body: '<h1>Todo</h1>' })
    expect(await curl(`${url}/main.js`)).toMatchObject({ status: 200, body: 'void 0\n' })
    expect(await curl(`${url}/none.js`)).toMatchObject({ status: 404 })
    expect(await curl(`${url}/../config.toml`, ['--path-as-is'])).toMatchObject({
      body: expect.not.stringContaining('addr'),
    })
    expect(await curl(`${url}/todos`)).toMatchObject({ status: 200, body: 'Hello world!' })
    const added = await curl(`${url}/todos/add/buy%20milk`)
    expect(JSON.parse(added.body)).toMatchObject({ params: { content: 'buy milk' } })
    const removed = await curl(`${url}/todos/remove/7`)
    expect(JSON.parse(removed.body)).toMatchObject({ headers: { 'params.id': '7' } })
  })

  test('no configuration: a clear message and a working default', async () => {
    const args = [FLATEND, 'gateway', '--listen', '127.0.0.1:0']
    const gateway = start(args, { cwd: temporaryFolder() })
    await gateway.line(/config\.toml/)
    // Port 3000 may be taken where the tests run: then that is said.
    expect(await gateway.line(/HTTP|flatend: .*3000/)).toMatch(/3000/)
    expect(gateway.stderr).not.toMatch(/^\s+at /m)
  })
})
