import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const CODE = /FLATEND_(?:WIRE|MONTE|KADEMLIA|RPC|GATEWAY|NODE)_[A-Z0-9_]+/g

/** Every error code that a source file names, by a plain reading of the text. */
function codesInSources(): Set<string> {
  const codes = new Set<string>()
  for (const folder of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, folder), { recursive: true }) as string[]) {
      if (!/^[^/]+\/src\/.*\.ts$/.test(name)) continue
      const text = readFileSync(join(root, folder, name), 'utf8')
      for (const [code] of text.matchAll(CODE)) codes.add(code)
    }
  }
  return codes
}

test('docs/errors.md lists each error code and no other', () => {
  const documented = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    .split('\n')
    .flatMap((line) => /^\| `(FLATEND_[A-Z0-9_]+)` +\|/.exec(line)?.[1] ?? [])
  expect(documented).toEqual([...new Set(documented)])
  expect(documented.toSorted()).toEqual([...codesInSources()].toSorted())
})

test('each documented error has a meaning and a cure', () => {
  const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `FLATEND_'))
  for (const row of rows) {
    const cells = row.split('|').map((cell) => cell.trim())
    expect([row, ...cells.slice(2, 4)]).not.toContain('')
  }
})
