import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'

describe('[allow]', () => {
  it('reads who is allowed, whatever a service is called', () => {
    const key = 'AB'.repeat(32)
    const config = parseConfig(`
[allow]
peers = ["${key}"]
[allow.services]
price = ["${key}", "${'0'.repeat(64)}"]
constructor = []
`)
    const lower = key.toLowerCase()
    expect(config.allow).toEqual({
      peers: [lower],
      services: { price: [lower, '0'.repeat(64)], constructor: [] },
    })
    expect(parseConfig('').allow).toBeUndefined()
    expect(parseConfig('[allow]').allow).toEqual({})
  })

  it('reports keys that are none at their place', () => {
    const text = '[allow]\npeers = ["12"]\n[allow.services]\na = [\n  "zz"]\n[allow.service]\n'
    let problems: ConfigError['problems'] = []
    try {
      parseConfig(text)
    } catch (error) {
      if (error instanceof ConfigError) problems = error.problems
    }
    expect(problems.map(({ line, column, key }) => [line, column, key])).toEqual([
      [2, 10, 'allow.peers'],
      [5, 3, 'allow.services.a'],
      [6, 2, 'allow.service'],
    ])
  })
})
