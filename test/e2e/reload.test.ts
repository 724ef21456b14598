import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { curl, startCurl } from '../support/curl.ts'
import { drivers, type Gateway, routes, temporaryFolder } from '../support/gateway.ts'
import { gatewayCommand, operated } from '../support/operated.ts'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

/** As an editor does it: a new file takes the old one's name. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

/** Requests over connections that stay, one after the other on each, until told to stop. */
function load(url: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  onTestFinished(() => agent.destroy())
  const counts = { requests: 0, sockets: new Set<unknown>(), failures: [] as string[] }
  const state = { stopped: false }
  const one = () =>
    new Promise<void>((resolve) => {
      const failed = (why: string): void => {
        counts.failures.push(why)
        resolve()
      }
      const request = get(url, { agent }, (response) => {
        counts.sockets.add(response.socket)
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('error', (error) => failed(error.message))
        response.on('end', () => {
          counts.requests++
          if (response.statusCode === 200 && text === 'Hello world!') resolve()
          else failed(`${response.statusCode} ${text}`)
        })
      })
      request.on('error', (error) => failed(error.message))
    })
  const running = Array.from({ length: connections }, async () => {
    while (!state.stopped && counts.failures.length < 5) await one()
  })
  return async () => {
    state.stopped = true
    await Promise.all(running)
    return counts
  }
}

/** WebSockets that say a number and wait to hear it, over and over, until told to stop. */
function talk(url: string, connections: number) {
  const counts = { messages: 0, failures: [] as string[], closes: [] as number[] }
  const sockets = Array.from({ length: connections }, () => {
    const socket = new WebSocket(url.replace('http', 'ws'))
    onTestFinished(() => socket.terminate())
    let next = 0
    socket.on('open', () => socket.send(String(next)))
    socket.on('message', (data: Buffer) => {
      if (data.toString() !== String(next)) counts.failures.push(`${data.toString()} for ${next}`)
      counts.messages++
      socket.send(String(++next))
    })
    socket.on('error', (error) => counts.failures.push(error.message))
    socket.on('close', (code) => counts.closes.push(code))
    return socket
  })
  return async () => {
    const dropped = counts.closes.length
    for (const socket of sockets) socket.close(1000)
    await eventually(() => counts.closes.length === connections)
    return { ...counts, dropped }
  }
}

const talks = '[[http.routes]]\npath = "GET /talk"\nservice = "talk"\nwebsocket = true\n'

const changed = (text: string): string => text.replace('GET /hello', 'GET /changed')

async function hundredReloads(gateway: Gateway, admin: string, file: string): Promise<void> {
  const text = readFileSync(file, 'utf8')
  for (let i = 0; i < 100; i++) {
    writeFileSync(file, `${text}${routes([`GET /number/${i}`, 'hello'])}`)
    const response = await fetch(`${admin}/reload`, {
      method: 'POST',
      headers: { 'x-flatend-admin': '1' },
    })
    expect([i, response.status]).toEqual([i, 200])
  }
  const has = async (number: number) => (await curl(`${gateway.url}/number/${number}`)).status
  expect([await has(99), await has(98)]).toEqual([200, 404])
}

describe.each(drivers)('reloads, driver %s', { timeout: 60_000 }, (driver) => {
  test('a hundred of them under load, with WebSockets open, drop nothing', async () => {
    const config = `${routes(['GET /hello', 'hello'], ['GET /hold', 'hold'])}${talks}`
    const { gateway, admin, file, metric } = await operated({ config, driver })
    const service = await startNode({ addrs: [gateway.mesh], services: ['hello', 'hold', 'talk'] })
    await eventually(async () => (await curl(`${gateway.url}/hello`)).status === 200)
    const held = startCurl(`${gateway.url}/hold`)
    await service.event('held')
    const stop = load(`${gateway.url}/hello`, 8)
    const stopTalk = talk(`${gateway.url}/talk`, 8)

    await hundredReloads(gateway, admin, file)

    const { requests, sockets, failures } = await stop()
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(100)
    expect(sockets.size).toBe(8)
    const talked = await stopTalk()
    expect(talked).toMatchObject({ failures: [], dropped: 0, closes: Array(8).fill(1000) })
    expect(talked.messages).toBeGreaterThan(100)
    await service.command('release')
    expect(await held.exited).toMatchObject({ code: 0 })
    expect(held.stdout).toBe('held, released')
    expect(await metric('flatend_reloads_total{outcome="ok"}')).toBeGreaterThanOrEqual(100)
  })
})

describe('reloads', { timeout: 60_000 }, () => {
  const config = routes(['GET /hello', 'hello'])

  test('by SIGHUP, by a change of the file, and by one that replaces it', async () => {
    const { gateway, file, config: text } = await operated({ config })
    await startNode({ addrs: [gateway.mesh], services: ['hello'] })
    const status = async (path: string) => (await curl(`${gateway.url}${path}`)).status
    await eventually(async () => (await status('/hello')) === 200)

    writeFileSync(file, changed(text))
    await eventually(async () => (await status('/changed')) === 200)
    for (const next of [text, changed(text), text]) {
      replaceFile(file, next)
      const path = next === text ? '/hello' : '/changed'
      await eventually(async () => (await status(path)) === 200)
    }
    gateway.process.child.kill('SIGHUP')
    const line = await gateway.process.line(/trigger=SIGHUP/)
    expect(line).toContain('configuration reloaded')
  })

  test('a bad file changes nothing, and everybody can see it', async () => {
    const { gateway, admin, file, config: text, metric } = await operated({ config })
    await startNode({ addrs: [gateway.mesh], services: ['hello'] })
    await eventually(async () => (await curl(`${gateway.url}/hello`)).status === 200)
    expect(await gatewayCommand(gateway.folder, '--reload')).toMatchObject({
      code: 0,
      stdout: 'reloaded\n',
    })

    replaceFile(file, `${text}[[http.routes]]\npath = "GET /x"\nservise = "x"\n`)
    await gateway.process.line(/error the configuration was not reloaded/)
    const refused = await gatewayCommand(gateway.folder, '--reload')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^config.toml:\d+:1: http\[0\]\.routes\[1\]\.servise: .*service/m,
    )
    expect(refused.stderr).toContain('goes on with what it had')
    expect(await metric('flatend_reload_last_ok')).toBe(0)
    expect(await metric('flatend_reloads_total{outcome="failed"}')).toBeGreaterThanOrEqual(2)
    expect((await curl(`${gateway.url}/hello`)).status).toBe(200)
    expect((await curl(`${admin}/readyz`)).status).toBe(200)

    replaceFile(file, text.replace('addr = ', 'network = "other"\naddr = '))
    const { code, stdout } = await gatewayCommand(gateway.folder, '--reload')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'reloaded\nneeds a restart: network\n' })
  })

  test('without a gateway, or a listener to ask, it is one clear line', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'config.toml'), '[[http]]\naddr = ":0"\n')
    const none = await gatewayCommand(folder, '--reload')
    expect(none).toMatchObject({ code: 2 })
    expect(none.stderr).toContain('names no admin listener')
    const nobody = await gatewayCommand(
      folder,
      '--reload',
      '--admin',
      `127.0.0.1:${await freePort()}`,
    )
    expect(nobody).toMatchObject({ code: 2 })
    expect(nobody.stderr).toContain('ECONNREFUSED')
  })
})
