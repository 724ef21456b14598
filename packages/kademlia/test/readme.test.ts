import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import * as wire from '@flatend/wire'
import { expect, test } from 'vitest'
import * as kademlia from '../src/index.ts'

type Example = (modules: object, console: object) => Promise<void>

const text = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8')
const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string)

test('the examples of the README run, and print what they say', async () => {
  expect(examples).toHaveLength(2)
  for (const example of examples) {
    const code = example.replaceAll(/^import (.*) from (.*)$/gm, 'const $1 = modules[$2]')
    const printed: unknown[] = []
    const run = runInThisContext(`(async (modules, console) => {${code}})`) as Example
    await run(
      { '@flatend/kademlia': kademlia, '@flatend/wire': wire },
      { log: (value: unknown) => printed.push(value) },
    )
    const promised = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)/g)]
    expect(printed.map(String)).toEqual(promised.map(([, value]) => value))
  }
})
