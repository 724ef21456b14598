import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { curl, curlUntil, example } from '../support/example.ts'

const migrated = await example('migrate-from-2020')

beforeAll(async () => {
  await migrated.gateway()
})

test('hello-world.cjs', async () => {
  const service = migrated.run('hello-world.cjs')
  expect(await curlUntil(200, `${migrated.url}/hello`)).toMatchObject({ body: 'Hello world!' })
  // Nothing to read for whoever starts it: no warning of Node's either.
  expect(service.output).toBe('')
})

test('counter.cjs', async () => {
  migrated.run('counter.cjs')
  expect(await curlUntil(200, `${migrated.url}/count`)).toMatchObject({ body: '0' })
  expect(await curl(`${migrated.url}/count`)).toMatchObject({ body: '1' })
})

test('file.cjs', async () => {
  migrated.run('file.cjs')
  const source = readFileSync(join(migrated.folder, 'file.cjs'), 'utf8')
  expect(await curlUntil(200, `${migrated.url}/file`)).toMatchObject({ body: source })
})

test('pipe.cjs', async () => {
  migrated.run('pipe.cjs')
  await curlUntil(405, `${migrated.url}/pipe`)
  const ask = () =>
    curl(`${migrated.url}/pipe`, '--data-binary', `@${join(migrated.folder, 'README.md')}`)
  let answer = await ask()
  while (answer.status === 503) answer = await ask()
  expect(answer).toMatchObject({
    status: 200,
    body: readFileSync(join(migrated.folder, 'README.md'), 'utf8'),
  })
})

test('todo.cjs', async () => {
  migrated.run('todo.cjs')
  const url = `${migrated.url}/todos`
  await curlUntil(200, url)
  expect(await curl(`${url}/add/two%20words`)).toMatchObject({ status: 200 })
  await curl(`${url}/add/gone`)
  await curl(`${url}/done/1`)
  await curl(`${url}/remove/2`)
  const { type, body } = await curl(url)
  expect(type).toBe('application/json')
  expect(JSON.parse(body)).toEqual([{ id: 1, content: 'two words', state: 'done' }])
  expect((await curl(migrated.url)).body).toContain('It still runs')
})

test('bootstrap.cjs and node.cjs', async () => {
  const pair = await example('migrate-from-2020')
  const size = (file: string) => String(statSync(join(pair.folder, file)).size)
  const bootstrap = pair.run('bootstrap.cjs')
  const node = pair.run('node.cjs')
  const [, fromNode] = await bootstrap.prints(/received (\d+) byte\(s\) from "node"/)
  const [, fromBootstrap] = await node.prints(/received (\d+) byte\(s\) from "bootstrap"/)
  expect(fromNode).toBe(size('node.cjs'))
  expect(fromBootstrap).toBe(size('bootstrap.cjs'))
})
