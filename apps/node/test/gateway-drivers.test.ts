import { parseConfig } from '@flatend/gateway'
import { loadUws } from '@flatend/gateway/uws'
import { expect, test } from 'vitest'
import { chooseDriver } from '../src/gateway-drivers.ts'

const ignore = (): void => undefined
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const options = {
  host: '127.0.0.1',
  port: 0,
  maxHeaderSize: 16_384,
  readHeaderTimeoutMs: 0,
  readTimeoutMs: 0,
  writeTimeoutMs: 0,
  idleTimeoutMs: 0,
}

/** What serves a listener with those lines and those keys in its route. */
function driverOf(listener: string, route: string): string {
  const lines = ['[[http]]', 'addr = "127.0.0.1:0"', listener]
  const routes = ['[[http.routes]]', 'path = "GET /"', 'service = "hello"', route]
  const { listeners } = parseConfig([...lines, ...routes].join('\n'))
  return chooseDriver(listeners[0]!, options, log).capabilities.name
}

// Without uWebSockets.js `auto` is node whatever is asked for.
const uws = 'error' in loadUws() ? 'node' : 'uws'

test.each([
  ['', '', uws],
  ['driver = "node"', '', 'node'],
  ['', 'websocket = true', 'node'],
  ['', 'websocket = { ping = "10s" }', 'node'],
  ['', 'websocket = false', uws],
])('%j, %j: %s', (listener, route, name) => {
  expect(driverOf(listener, route)).toBe(name)
})

test('uws serves WebSockets where it is asked for', (ctx) => {
  ctx.skip(uws === 'node', 'uWebSockets.js does not load')
  expect(driverOf('driver = "uws"', 'websocket = true')).toBe('uws')
})
