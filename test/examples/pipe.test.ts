import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { curl, example } from '../support/example.ts'
import { temporaryFolder } from '../support/gateway.ts'

const pipe = await example('pipe')
const url = `${pipe.url}/pipe`

beforeAll(async () => {
  await pipe.gateway()
  await pipe.run('index.js').prints(/running/)
})

test.for([0, 1, 65_536, 24 * 1024 * 1024])('gives %i bytes back as they came', async (size) => {
  const folder = temporaryFolder()
  const [sent, received] = [join(folder, 'sent'), join(folder, 'received')]
  const body = randomBytes(size)
  writeFileSync(sent, body)
  writeFileSync(received, '')
  const answer = await curl(url, '-H', 'expect:', '--data-binary', `@${sent}`, '-o', received)
  expect(answer.status).toBe(200)
  expect(readFileSync(received).equals(body)).toBe(true)
})

test('gives a text back', async () => {
  expect(await curl(url, '--data', 'hello, pipe')).toMatchObject({ body: 'hello, pipe' })
})

test('refuses other methods', async () => {
  expect(await curl(url)).toMatchObject({ status: 405 })
})
