import { describe, expect, it } from 'vitest'
import type { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'

const ROUTE = '[[http.routes]]\npath = "GET /chat/:room"\nservice = "chat"\nwebsocket = true\n'

describe('the key websocket', () => {
  const parsed = (value: string) =>
    parseConfig(`[[http]]\n${ROUTE.replace('true', value)}`).listeners[0]?.routes[0]

  it('is true, false or a table', () => {
    expect(parsed('false')?.webSocket).toBeUndefined()
    expect(
      parsed(
        '{ max_message = 1000, ping = "5s", idle = "1m", deflate = true, origins = ["https://a.test"] }',
      )?.webSocket,
    ).toEqual({
      maxMessage: 1_000,
      pingMs: 5_000,
      idleMs: 60_000,
      deflate: true,
      origins: ['https://a.test'],
    })
  })

  it.each([
    ROUTE.replace('true', '"yes"'),
    ROUTE.replace('true', '{ max_message = 0 }'),
    ROUTE.replace('true', '{ pings = "1s" }'),
    ROUTE.replace('GET', 'POST'),
    ROUTE.replace('service', 'static'),
  ])('%j is exactly one error', (route) => {
    const found: unknown[] = []
    try {
      parseConfig(`[[http]]\n${route}`)
    } catch (error) {
      found.push(...(error as ConfigError).problems)
    }
    expect(found).toHaveLength(1)
  })
})
