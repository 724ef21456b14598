import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { curl, startCurl } from '../support/curl.ts'
import { gatewayForTest, routes, temporaryFolder } from '../support/gateway.ts'
import { gatewayCommand, operated } from '../support/operated.ts'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

describe('checks', { timeout: 60_000 }, () => {
  test('--check says all that is wrong and does nothing else; --routes lists', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'config.toml')
    writeFileSync(
      file,
      '[[http]]\naddr = "127.0.0.1:1"\n[[http.routes]]\npath = "GET /a/:id"\nservices = ["x", "y"]\n[[http.routes]]\npath = "GET /files"\nstatic = "."\n',
    )
    expect(await gatewayCommand(folder, '--check')).toMatchObject({
      code: 0,
      stdout: 'config.toml: nothing is wrong\n',
      stderr: '',
    })
    expect(await gatewayCommand(folder, '--routes')).toMatchObject({
      code: 0,
      stdout: 'http://127.0.0.1:1\n  GET     /a/:id  x, y\n  GET     /files  files .\n',
    })
    writeFileSync(
      file,
      'addrr = ":1"\n[[http]]\naddr = 3\n[[http.routes]]\nstatic = "nowhere"\npath = "GET /"\n',
    )
    const { code, stdout, stderr } = await gatewayCommand(folder, '--check')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.match(/config\.toml:\d+:\d+/g)).toEqual([
      'config.toml:1:1',
      'config.toml:3:8',
      'config.toml:5:10',
    ])
    expect(stderr).toContain('did you mean "addr"?')
  })
})

describe('the admin listener', { timeout: 60_000 }, () => {
  test('answers those who may ask, and changes nothing for others', async () => {
    const { admin } = await operated({ config: routes(['GET /hello', 'hello']) })
    const ask = async (path: string, ...args: readonly string[]) =>
      (await curl(`${admin}${path}`, args)).status
    for (const path of [
      '/',
      '/page.js',
      '/style.css',
      '/metrics',
      '/healthz',
      '/readyz',
      '/state',
    ]) {
      expect([path, await ask(path)]).toEqual([path, 200])
    }
    expect(await ask('/openapi.json', '-H', 'Host: localhost:1')).toBe(200)
    expect(await ask('/metrics', '-I')).toBe(200)
    expect(await ask('/nothing')).toBe(404)
    // What a web site could have a browser send: its own name, or a request from its origin.
    expect(await ask('/state', '-H', 'Host: evil.example')).toBe(421)
    expect(await ask('/state', '-H', 'Host:')).toBe(400)
    expect(await ask('/reload')).toBe(404)
    expect(await ask('/reload', '-X', 'POST')).toBe(403)
    const own = ['-X', 'POST', '-H', 'x-flatend-admin: 1']
    expect(await ask('/reload', ...own, '-H', 'Origin: http://evil.example')).toBe(403)
    expect(await ask('/reload', '-X', 'DELETE')).toBe(405)
    expect(await ask('/reload', ...own)).toBe(200)
  })

  test('counts requests by route, and calls by how they ended', async () => {
    const config = routes(['GET /hello', 'hello'], ['GET /fail', 'fail'], ['GET /none', 'none'])
    const { gateway, metric, admin } = await operated({ config })
    await startNode({ addrs: [gateway.mesh], services: ['hello', 'fail'] })
    await eventually(async () => (await metric('flatend_providers{service="hello"}')) === 1)
    for (const path of ['hello', 'hello', 'fail', 'none', 'nowhere']) {
      await curl(`${gateway.url}/${path}?secret=1`)
    }
    const requests = (labels: string) => metric(`flatend_http_requests_total{${labels}}`)
    expect(await requests('route="/hello",method="GET",status="2xx"')).toBe(2)
    expect(await requests('route="/fail",method="GET",status="5xx"')).toBe(1)
    expect(await requests('route="none",method="",status="4xx"')).toBe(1)
    expect(await metric('flatend_calls_total{service="hello",outcome="ok"}')).toBe(2)
    expect(await metric('flatend_calls_total{service="none",outcome="no-provider"}')).toBe(1)
    expect(await metric('flatend_peers{version="2"}')).toBe(1)
    expect(await metric('flatend_legacy_sessions')).toBe(0)
    expect(await metric('process_resident_memory_bytes')).toBeGreaterThan(1e6)
    const state = (await (await fetch(`${admin}/state`)).json()) as {
      readonly routes: readonly { readonly path: string; readonly count: number }[]
    }
    expect(state.routes.find(({ path }) => path === '/hello')?.count).toBe(2)
  })

  test('counts retries by route, and clients that are turned away', async () => {
    const { gateway, metric, admin } = await operated({
      config: routes(['GET /never', 'never'], ['GET /hello', 'hello']),
    })
    const options = { addrs: [gateway.mesh], services: ['never'] }
    const nodes = [await startNode(options), await startNode(options)]
    await eventually(async () => (await metric('flatend_providers{service="never"}')) === 2)
    const leave = new AbortController()
    const answer = fetch(`${gateway.url}/never`, { signal: leave.signal }).catch(() => undefined)
    const asked = nodes.map(async (node) => {
      await node.event('waiting')
      return node
    })
    const first = await Promise.race(asked)
    await first.process.stop('SIGKILL')
    await asked[first === nodes[0] ? 1 : 0]
    leave.abort()
    await answer
    const retries = (route: string) =>
      metric(`flatend_http_retries_total{route="${route}",method="GET"}`)
    expect([await retries('/never'), await retries('/hello')]).toEqual([1, 0])

    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname, () =>
      socket.write('GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'),
    )
    await new Promise((resolve) => socket.resume().once('close', resolve))
    expect(await metric('flatend_http_refused_total{reason="malformed"}')).toBe(1)
    const line = await gateway.process.line(/turned away/)
    expect(line).toContain('127.0.0.1')
    expect(line).toContain('GET /a#b')
    const state = (await (await fetch(`${admin}/state`)).json()) as {
      readonly refused: Record<string, number>
    }
    expect(state.refused).toEqual({ malformed: 1 })
  })

  test('has all that is to be watched', async () => {
    const { admin } = await operated({ config: routes(['GET /hello', 'hello']) })
    const text = await (await fetch(`${admin}/metrics`)).text()
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(families).toEqual(
      expect.arrayContaining([
        'flatend_http_requests_total',
        'flatend_http_request_duration_seconds',
        'flatend_http_in_flight',
        'flatend_calls_total',
        'flatend_http_retries_total',
        'flatend_http_refused_total',
        'flatend_peers',
        'flatend_streams_total',
        'flatend_legacy_sessions',
        'flatend_certificate_expiry_timestamp_seconds',
        'flatend_reloads_total',
        'flatend_event_loop_delay_seconds',
        'process_resident_memory_bytes',
      ]),
    )
  })

  test('is not ready before a node of bootstrap is connected', async () => {
    const seed = await freePort()
    const { admin } = await operated({ config: '', top: `bootstrap = ["127.0.0.1:${seed}"]` })
    const ready = await curl(`${admin}/readyz`)
    expect(ready.status).toBe(503)
    expect(ready.body).toContain('no node of the mesh is connected')
    expect((await curl(`${admin}/healthz`)).status).toBe(200)
    await startNode({ publicAddr: `127.0.0.1:${seed}`, services: ['hello'], identified: true })
    await eventually(async () => (await curl(`${admin}/readyz`)).status === 200)
  })

  test('a taken address is one clear line', async () => {
    const { admin } = await operated({ config: '' })
    const folder = temporaryFolder()
    writeFileSync(
      join(folder, 'config.toml'),
      `addr = "127.0.0.1:0"\nadmin = "${new URL(admin).host}"\n[[http]]\naddr = "127.0.0.1:0"\n`,
    )
    const { code, stderr } = await gatewayCommand(folder)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^flatend: admin 127\.0\.0\.1:\d+ cannot be opened: another program/)
  })
})

describe('the access log', { timeout: 60_000 }, () => {
  test('names route, provider and times, and no query', async () => {
    const config = routes(['GET /hello', 'hello'])
    const gateway = await gatewayForTest({ config, listener: 'access_log = "json"' })
    await startNode({ addrs: [gateway.mesh], services: ['hello'], identified: true })
    await eventually(async () => (await curl(`${gateway.url}/hello?token=secret`)).status === 200)
    const line = await gateway.process.line(/^\{.*"status":200/)
    const entry = JSON.parse(line) as Record<string, unknown>
    expect(entry).toMatchObject({
      level: 'info',
      msg: 'request',
      method: 'GET',
      path: '/hello',
      route: '/hello',
      services: ['hello'],
      status: 200,
      responseBytes: 12,
      aborted: false,
    })
    expect(entry['provider']).toMatch(/^[0-9a-f]{64}$/)
    for (const name of ['durationMs', 'queueMs', 'providerMs']) {
      expect(entry[name]).toBeTypeOf('number')
    }
    expect(gateway.process.stdout).not.toContain('secret')
  })

  test('is off, on, or of level debug', async () => {
    const config = routes(['GET /hello', 'hello'])
    const off = await gatewayForTest({ config })
    const on = await gatewayForTest({ config, listener: 'access_log = true' })
    const debug = await gatewayForTest({ config, args: ['--log-level', 'debug'] })
    for (const { url } of [off, on, debug]) await curl(`${url}/nowhere`)
    await on.process.line(/ info {2}request .*status=404/)
    await debug.process.line(/ debug request .*status=404/)
    await off.process.stop()
    expect(off.process.stdout).not.toMatch(/ request /)
  })
})

describe('a shutdown', { timeout: 60_000 }, () => {
  test('is not ready first, still serves for shutdown_delay, then finishes what runs', async () => {
    const config = routes(['GET /hello', 'hello'], ['GET /hold', 'hold'])
    const { gateway, admin } = await operated({ config, top: 'shutdown_delay = "1500ms"' })
    const service = await startNode({ addrs: [gateway.mesh], services: ['hello', 'hold'] })
    await eventually(async () => (await curl(`${gateway.url}/hello`)).status === 200)
    const held = startCurl(`${gateway.url}/hold`)
    await service.event('held')
    gateway.process.child.kill('SIGTERM')
    await gateway.process.line(/stopping/)
    expect((await curl(`${admin}/readyz`)).status).toBe(503)
    expect((await curl(`${gateway.url}/hello`)).status).toBe(200)
    await eventually(async () => (await curl(`${gateway.url}/hello`)).exit !== 0)
    // The listener is gone, the request is not, and neither is who tells.
    expect((await curl(`${admin}/readyz`)).body).toContain('draining')
    await service.command('release')
    expect((await held.exited).code).toBe(0)
    expect(held.stdout).toBe('held, released')
    expect(await gateway.process.exited).toEqual({ code: 0, signal: null })
  })

  test('a second signal ends at once', async () => {
    const config = routes(['GET /hold', 'hold'])
    const { gateway } = await operated({ config, top: 'shutdown_delay = "10m"' })
    gateway.process.child.kill('SIGTERM')
    await gateway.process.line(/stopping/)
    gateway.process.child.kill('SIGINT')
    expect(await gateway.process.exited).toEqual({ code: 1, signal: null })
  })
})
