import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl, curlUntil, example } from '../support/example.ts'
import { temporaryFolder } from '../support/gateway.ts'

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

test('streams its own source', async () => {
  const file = await example('file')
  await file.gateway()
  file.run('index.js')
  const source = readFileSync(join(file.folder, 'index.js'), 'utf8')
  expect(await curlUntil(200, file.url)).toMatchObject({ status: 200, body: source })
})

test('streams a file of many megabytes, unchanged', async () => {
  const file = await example('file')
  const folder = temporaryFolder()
  const [original, copy] = [join(folder, 'original'), join(folder, 'copy')]
  writeFileSync(original, randomBytes(24 * 1024 * 1024))
  await file.gateway()
  await file.run('index.js', original).prints(/serving/)
  expect(await curl(file.url, '-o', copy)).toMatchObject({ status: 200 })
  expect(sha256(readFileSync(copy))).toBe(sha256(readFileSync(original)))
})

test('a file that is not there is an error, and the next request is served', async () => {
  const file = await example('file')
  const path = join(temporaryFolder(), 'late')
  await file.gateway()
  await file.run('index.js', path).prints(/serving/)
  expect(await curlUntil(500, file.url)).toMatchObject({ type: 'application/problem+json' })
  writeFileSync(path, 'here now')
  expect(await curl(file.url)).toMatchObject({ status: 200, body: 'here now' })
})
