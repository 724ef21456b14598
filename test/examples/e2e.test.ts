import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example } from '../support/example.ts'

test('the bootstrap and its nodes stream their files to one another', async () => {
  const e2e = await example('e2e')
  const size = (file: string) => String(statSync(join(e2e.folder, file)).size)
  const bootstrap = e2e.run('bootstrap.js')
  await bootstrap.prints(new RegExp(`[0-9a-f]{64} listens at 127.0.0.1:${e2e.meshPort}`))
  await bootstrap.prints(/no node|no provider/i)

  const node = e2e.run('node.js')
  const [, fromNode] = await bootstrap.prints(/got (\d+) bytes from "node"/)
  const [, fromBootstrap] = await node.prints(/got (\d+) bytes from "bootstrap"/)
  expect(fromNode).toBe(size('node.js'))
  expect(fromBootstrap).toBe(size('bootstrap.js'))

  const other = e2e.run('node.js')
  const [, again] = await other.prints(/got (\d+) bytes from "bootstrap"/)
  expect(again).toBe(size('bootstrap.js'))
})
