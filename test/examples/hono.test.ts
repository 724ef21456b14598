import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl, curlUntil, example, start } from '../support/example.ts'
import { temporaryFolder } from '../support/gateway.ts'

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

test('a Hono application answers through the mesh', async () => {
  const hono = await example('hono')
  await hono.gateway()
  const web = hono.run('index.js')
  expect(await curlUntil(200, `${hono.url}/hello/Ada?how=good+day`)).toMatchObject({
    body: 'Hello Ada, good day',
  })
  expect(await curl(`${hono.url}/nowhere`)).toMatchObject({ status: 404, body: '404 Not Found' })
  expect((await curl(`${hono.url}/time`)).body).toMatch(/^20\d\d-/)

  const login = await curl(`${hono.url}/login`, '-X', 'PUT', '-i')
  expect(login).toMatchObject({ status: 201, type: 'application/json' })
  expect(login.body.match(/^set-cookie: .*$/gim)?.map((line) => line.trim())).toEqual([
    'set-cookie: user=ada',
    'set-cookie: theme=dark',
  ])

  const folder = temporaryFolder()
  const [sent, got] = [join(folder, 'sent'), join(folder, 'got')]
  writeFileSync(sent, randomBytes(4 * 1024 * 1024))
  const upload = ['-T', sent, '-X', 'POST', '-o', got]
  expect(await curl(`${hono.url}/echo`, ...upload)).toMatchObject({ status: 200 })
  expect(sha256(got)).toBe(sha256(sent))

  const ticks = start('curl', ['-sN', '--noproxy', '*', `${hono.url}/ticks`])
  await ticks.prints(/tick 2/)
  await ticks.stop()
  await web.prints(/the client left/)
})
