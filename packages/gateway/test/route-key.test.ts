import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'
import { start } from './support/harness.ts'

const route = (key: string): string =>
  `[[http.routes]]\npath = "GET /rooms/:id"\nservice = "room"\nkey = "${key}"\n`

describe('a route with a key', () => {
  it.each([
    ['params.id', 'blue room'],
    ['query.id', 'q'],
    ['X-Room', 'h'],
    [':peer', '192.0.2.7'],
  ])('keys its calls by %s', async (key, expected) => {
    const { send, caller } = await start(route(key))
    send({ path: '/rooms/blue%20room', query: 'id=q', headers: ['x-room', 'h'] })
    expect(caller.last.request.key).toBe(expected)
  })

  it('leaves them to any provider where the field is missing', async () => {
    const { send, caller } = await start(route('x-room'))
    send({ path: '/rooms/blue' })
    expect(caller.last.request).not.toHaveProperty('key')
  })

  it('names a field', () => {
    const text = `[[http]]\n${route('no field')}`
    expect(() => parseConfig(text)).toThrow(ConfigError)
    expect(() => parseConfig(text)).toThrow('"no field" is no field')
  })
})
