import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example, type Running, start } from '../support/example.ts'
import { homeRouter, Machine, namespacesHere } from '../support/namespaces.ts'
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
  skipUnless(ctx, namespacesHere)
  const { folder } = await example('two-laptops')
  const SERVER = '203.0.113.1:9000'
  const [internet, server] = [new Machine('net'), new Machine('srv')]
  internet.forward()
  internet.cable('203.0.113.254/24', server, '203.0.113.1/24')
  server.gateway('203.0.113.254')
  const laptops = ['a', 'b'].map((name, i) => {
    const [router, laptop] = [homeRouter(`r${name}`), new Machine(`l${name}`)]
    router.cable(`198.51.${i}.2/24`, internet, `198.51.${i}.1/24`)
    router.gateway(`198.51.${i}.1`)
    // Both homes have the same addresses, as homes do.
    router.cable('192.168.1.1/24', laptop, '192.168.1.2/24')
    laptop.gateway('192.168.1.1')
    return laptop
  })
  const [offering, calling] = laptops as [Machine, Machine]
  const on = (machine: Machine, file: string): Running => {
    const [program, args] = machine.command(process.execPath, join(folder, file))
    return start(program, args, { env: { SERVER, PATH: `${process.env['PATH']}:/usr/sbin` } })
  }
  const relay = on(server, 'server.js')
  await relay.prints(/running at 203/)
  await on(offering, 'offer.js').prints(/running/)
  expect(await callsAndEnds(on(calling, 'call.js'))).toBe(0)
  const [, bytes] = await relay.prints(/circuits \d, bytes (\d{7,})/)
  expect(Number(bytes)).toBeGreaterThan(8_000_000)
})
