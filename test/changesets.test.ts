// A changeset that is malformed is found at the release otherwise.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './support/markdown.ts'

const folder = join(ROOT, '.changeset')
const packages = new Set(
  ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => `@flatend/${name}`),
  ),
)
const changesets = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))

test.each(changesets)('$name names packages, how much they change, and what', ({ text }) => {
  const [, head = '', what = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  const lines = head.split('\n').filter((line) => line !== '')
  const named = lines.map((line) => /^"(@flatend\/\w+)": (?:patch|minor|major)$/.exec(line)?.[1])
  expect(named).not.toEqual([])
  expect(named.filter((name) => name === undefined || !packages.has(name))).toEqual([])
  expect(new Set(named).size).toBe(named.length)
  expect(what.trim()).not.toBe('')
})

test('no two changesets say the same', () => {
  const said = changesets.map(({ text }) => text.split('---').at(-1)?.trim())
  expect(new Set(said).size).toBe(said.length)
})
