import { describe, expect, test } from 'vitest'
import { type ConfigError, checkConfig, parseConfig } from '../src/index.ts'

const KEY = '0a'.repeat(32)

describe('what a node needs to belong to its mesh', () => {
  test('is read', () => {
    const config = parseConfig(`network_key = "${KEY.toUpperCase()}"\n[puzzles]\nstatic = 8`)
    expect(config).toMatchObject({ networkKey: KEY, puzzles: { static: 8, dynamic: 0 } })
    expect(parseConfig('')).toMatchObject({ networkKey: undefined, puzzles: undefined })
    expect(parseConfig('network_key_file = "k"').networkKeyFile).toBe('k')
  })

  test('what is wrong with a key is told without the key', () => {
    const secret = `${KEY}ff`
    let text = ''
    try {
      parseConfig(`network_key = "${secret}"`, { file: 'c.toml' })
    } catch (error) {
      text = (error as ConfigError).format()
    }
    expect(text).toContain('c.toml:1:15: network_key: is no key of a network')
    expect(text).not.toContain(secret)
  })

  test('a file that is not there is told with its place', async () => {
    const files = { readText: () => Promise.reject(new Error('ENOENT')) }
    const { problems } = await checkConfig('\nnetwork_key_file = "k"', { files: files as never })
    expect(problems).toMatchObject([
      { line: 2, key: 'network_key_file', message: expect.stringContaining('"k"') },
    ])
  })
})
