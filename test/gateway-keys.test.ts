import { readFileSync } from 'node:fs'
import { ConfigError, configKeys, parseConfig } from '@flatend/gateway'
import { expect, test } from 'vitest'

interface Row {
  readonly key: string
  readonly fallback: string
  readonly example: string
  readonly meaning: string
}

/** The rows of docs/gateway.md whose first cell is a key. */
const rows: readonly Row[] = readFileSync(new URL('../docs/gateway.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, first = '', fallback = '', example = '', meaning = ''] = cells
    const key = /^`([\w.]+)`$/.exec(first)?.[1]
    return key === undefined || cells.length !== 6 ? [] : [{ key, fallback, example, meaning }]
  })

/** Keys with values; those of tables of free names as the page writes them. */
const keys = configKeys()
  .filter(({ allowed }) => !/^(?:a table|tables)/.test(allowed))
  .map(({ key }) => key)
const free = ['allow.services.NAME']

test('docs/gateway.md lists each key of a configuration and no other', () => {
  expect(rows.map(({ key }) => key).toSorted()).toEqual([...keys, ...free].toSorted())
})

test.each(rows)('$key has a default, an example and a meaning', ({ key, ...row }) => {
  expect(Object.values(row)).not.toContain('')
  const example = /^`(.+)`$/.exec(row.example)?.[1] ?? ''
  const name = free.includes(key) ? '\\w+' : key.split('.').at(-1)
  expect(example).toMatch(new RegExp(`^${name} = `))
  expect(complaints(key, example)).toEqual([])
})

/** A default that is TOML alone. */
const literals = rows.flatMap(({ key, fallback }) => {
  const literal = /^`([^`]+)`$/.exec(fallback)?.[1]
  return literal === undefined ? [] : [{ key, literal }]
})

test.each(literals)('the default of $key is really $literal', ({ key, literal }) => {
  const plain = parse(around(key, ''))
  expect(parse(around(key, `${key.split('.').at(-1)} = ${literal}`))).toEqual(plain)
})

/** Without places in the file, which no two texts share. */
function parse(text: string): unknown {
  return JSON.parse(
    JSON.stringify(parseConfig(text), (name, value: unknown) =>
      name.toLowerCase().endsWith('where') ? undefined : value,
    ),
  )
}

/** What is wrong with the key itself; that it wants company is another matter. */
function complaints(key: string, line: string): readonly string[] {
  try {
    parseConfig(around(key, line))
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
      .map(({ message }) => message)
      .filter((message) => /is not a key|is not right|not TOML|is not one of/.test(message))
  }
}

const TARGETS = new Set(['path', 'service', 'services', 'static'])
const OF_FILES = new Set(['precompressed', 'fallback', 'immutable', 'listing'])

/** A configuration with the line where the key belongs. */
function around(key: string, line: string): string {
  const path = key.split('.').slice(0, -1)
  const last = key.split('.').at(-1) as string
  const text = [path[0] === 'http' ? '[[http]]' : '']
  if (path[1] === 'routes') {
    text.push('[[http.routes]]')
    if (last !== 'path') text.push('path = "GET /"')
    if (OF_FILES.has(last)) text.push('static = "public"')
    else if (!TARGETS.has(last) || last === 'path') text.push('service = "hello"')
  }
  const table = path.join('.')
  if (table !== '' && table !== 'http' && table !== 'http.routes') text.push(`[${table}]`)
  return [...text, line].join('\n')
}
