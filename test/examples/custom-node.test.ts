import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example, start } from '../support/example.ts'
import { FLATEND } from '../support/processes.ts'

test('nodes made by hand call each other', async () => {
  const custom = await example('custom-node')
  await custom.run('index.js').prints(new RegExp(`running at 127.0.0.1:${custom.meshPort}`))
  const caller = custom.run('call.js', 'hello', 'ada')
  expect(await caller.ended).toBe(0)
  expect(caller.output).toBe('Hello, ada!\n')
})

test('a node of @flatend/node calls one made by hand, and the other way round', async () => {
  const custom = await example('custom-node')
  await custom.run('index.js').prints(/running/)
  const seed = `127.0.0.1:${custom.meshPort}`
  const command = start(process.execPath, [FLATEND, 'call', 'hello', '-b', seed, '--data', 'bob'])
  expect(await command.ended).toBe(0)
  expect(command.output).toBe('Hello, bob!')

  const e2e = await example('e2e')
  await e2e.run('bootstrap.js').prints(/listens/)
  const caller = start(process.execPath, [join(custom.folder, 'call.js'), 'bootstrap'], {
    env: { MESH_PORT: String(e2e.meshPort) },
  })
  expect(await caller.ended).toBe(0)
  expect(caller.output).toBe(`${readFileSync(join(e2e.folder, 'bootstrap.js'), 'utf8')}\n`)
})

test('a service that nobody offers is a clear error', async () => {
  const custom = await example('custom-node')
  await custom.run('index.js').prints(/running/)
  const caller = custom.run('call.js', 'nothing')
  expect(await caller.ended).toBe(1)
  expect(caller.output).toBe('no node offers nothing\n')
})
