import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example, type Running, start } from '../support/example.ts'
import { Network, namespacesHere } from '../support/namespaces.ts'
import { skipUnless } from '../support/skip.ts'

/** What its README says that it prints. */
async function callsAndEnds(call: Running): Promise<unknown> {
  await call.prints(/Hello Ada, from a laptop!/)
  await call.prints(/4 MB there and back, intact/)
  await call.prints(/through a relay/)
  return await call.ended
}

test('on one machine, through the server', async () => {
  const { folder, meshPort } = await example('two-laptops')
  const run = (file: string): Running =>
    start(process.execPath, [join(folder, file)], { env: { SERVER: `127.0.0.1:${meshPort}` } })
  await run('server.js').prints(/running/)
  await run('offer.js').prints(/running/)
  expect(await callsAndEnds(run('call.js'))).toBe(0)
})

test('on machines of their own, behind routers that let nobody in', async (ctx) => {
  skipUnless(ctx, namespacesHere('two laptops behind routers of their own'))
  const { folder } = await example('two-laptops')
  const network = new Network()
  network.addSwitch('net')
  network.addMachine('srv', 'net', '203.0.113.1/24')
  network.addBehindRouter('a', 'net', '203.0.113.11/24')
  network.addBehindRouter('b', 'net', '203.0.113.12/24')
  const on = (machine: string, file: string): Running => {
    const { program, env } = network.on(machine)
    return start(program, [join(folder, file)], { env: { ...env, SERVER: '203.0.113.1:9000' } })
  }
  const relay = on('srv', 'server.js')
  await relay.prints(/running at 203/)
  await on('a', 'offer.js').prints(/running/)
  expect(await callsAndEnds(on('b', 'call.js'))).toBe(0)
  // It says so every so often, midway too: eight million or more, once all of them are through.
  await relay.prints(/circuits \d, bytes (?:[89]\d{6}|\d{8,})/)
})
